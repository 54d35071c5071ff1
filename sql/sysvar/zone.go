package sysvar

import (
	"context"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// zoneType is the type of time_zone: 1298 for an offset that MySQL does not take.
type zoneType struct{ sql.SystemVariableType }

func (t zoneType) Convert(ctx context.Context, v any) (any, sql.ConvertInRange, error) {
	out, in, err := t.SystemVariableType.Convert(ctx, v)
	if zone, ok := out.(string); err == nil && ok && !offsetInRange(zone) {
		return nil, sql.InRange, mysqlerr.New(mysqlerr.ER_UNKNOWN_TIME_ZONE, zone)
	}
	return out, in, err
}

func (t zoneType) Equals(other sql.Type) bool {
	o, ok := other.(zoneType)
	return ok && o.SystemVariableType.Equals(t.SystemVariableType)
}

// offsetInRange reports whether a time zone that is an offset is one that MySQL takes: from -13:59 to +14:00.
func offsetInRange(zone string) bool {
	if zone == "" || zone[0] != '+' && zone[0] != '-' {
		return true
	}
	hours, minutes, _ := strings.Cut(zone[1:], ":")
	h, err := strconv.Atoi(hours)
	m, err2 := strconv.Atoi(minutes)
	if err != nil || err2 != nil {
		return true // the library has its say
	}
	if zone[0] == '-' {
		return h*60+m <= 13*60+59
	}
	return h*60+m <= 14*60
}
