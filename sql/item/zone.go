package item

import (
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
)

// Location is the session's time zone, nil for UTC.
func Location(c *sql.Context) *time.Location {
	v, err := c.GetSessionVariable(c, "time_zone")
	if err != nil {
		return nil
	}
	name, _ := v.(string)
	return LocationOf(name)
}

// LocationOf is the time zone of a name as the variable time_zone takes them, nil for UTC and for names that there are not.
func LocationOf(name string) *time.Location {
	if strings.EqualFold(name, "SYSTEM") {
		if time.Local.String() == "UTC" {
			return nil
		}
		return time.Local
	}
	if name == "+00:00" || strings.EqualFold(name, "UTC") || name == "" {
		return nil
	}
	if d, err := sql.MySQLOffsetToDuration(name); err == nil {
		return time.FixedZone(name, int(d.Seconds()))
	}
	if l, err := time.LoadLocation(name); err == nil {
		return l
	}
	return nil
}
