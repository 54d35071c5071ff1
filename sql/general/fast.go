package general

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// What the fast lane and the dispatcher ask of the general lane (session.FastSession).

// plainModes are the sql_modes under which simple statements mean what the fast lane does: usual quoting. Strict or not is the same for it, since it
// takes only values that fit their columns; many programs, WordPress among them, switch strict mode off.
var plainModes = map[string]bool{"": true, "ONLY_FULL_GROUP_BY": true, "STRICT_TRANS_TABLES": true, "STRICT_ALL_TABLES": true, "NO_ZERO_IN_DATE": true,
	"NO_ZERO_DATE": true, "ERROR_FOR_DIVISION_BY_ZERO": true, "NO_ENGINE_SUBSTITUTION": true, "TRADITIONAL": true}

// plainValues are variables and the values at which they change nothing.
var plainValues = map[string]int64{"sql_safe_updates": 0, "sql_auto_is_null": 0, "auto_increment_increment": 1, "auto_increment_offset": 1, "insert_id": 0, fastLaneVariable: 1}

// fastLaneVariable switches the fast lane off for a session, or for all new ones.
const fastLaneVariable = "zorya_fast_lane"

// Plain reports whether all that changes what simple statements mean is at its default, or changes nothing. zeros: NO_AUTO_VALUE_ON_ZERO.
func (s *Session) Plain() (ok, zeros bool) {
	t := s.told()
	return t.plain && len(s.temps) == 0 && !s.e.opts.ReadOnly, t.zeros
}

// ForeignChecks reports whether foreign keys are checked: dumps switch that off.
func (s *Session) ForeignChecks() bool { return s.told().foreignChecks }

// Zone returns the session's time zone, nil for UTC.
func (s *Session) Zone() *time.Location { return s.told().zone }

// SetTime is the time that the session has set (@@timestamp), if it has.
func (s *Session) SetTime() (time.Time, bool) { return s.gms.setTime() }

// GlobalInt returns the global value of an integer variable.
func (e *Engine) GlobalInt(name string) (int64, bool) {
	_, v, ok := sql.SystemVariables.GetGlobal(name)
	if !ok {
		return 0, false
	}
	switch v := v.(type) {
	case int64:
		return v, true
	case uint64:
		return int64(min(v, 1<<63-1)), true
	case int8:
		return int64(v), true
	}
	return 0, false
}

// Charsets returns character_set_client and character_set_results; unspecified results mean no conversion.
func (s *Session) Charsets() (client, results sql.CharacterSetID) {
	t := s.told()
	return t.client, t.results
}

// TableInfo describes a table to the fast lane.
func (s *Session) TableInfo(ctx context.Context, d *table.Def) (*TableInfo, error) {
	m, err := s.e.metas.Get(s.context(ctx, ""), d)
	if err != nil {
		return nil, err
	}
	info := &TableInfo{Plain: true, Partitioned: len(m.Attrs.Parts) > 0, Columns: make([]ColumnInfo, len(d.Columns))}
	for _, c := range m.Attrs.Checks {
		if !c.NotEnforced {
			info.Plain = false
		}
	}
	if len(m.Attrs.Parts) > 0 {
		info.Plain = false
	}
	info.Keys = foreignKeysOf(m)
	for i := range d.Columns {
		a := &m.Columns[i]
		if a.Generated != "" {
			info.Plain = false
		}
		info.Filled = info.Filled || a.Zerofill > 0 && !types.IsInteger(m.Schema[i].Type)
		info.Columns[i] = ColumnInfo{Codec: m.Codecs[i], Default: a.Default, Literal: a.Literal, OnUpdate: a.OnUpdate, Unsigned: a.Unsigned(),
			Hidden: a.Invisible || m.Schema[i].HiddenSystem}
	}
	return info, nil
}

// keys returns the table's foreign keys, in the order in which they are checked.
func foreignKeysOf(m *tabledef.Table) []ForeignKey {
	fks := slices.Clone(m.Attrs.FKs)
	slices.SortStableFunc(fks, func(a, b tabledef.ForeignKey) int {
		return cmp.Or(cmp.Compare(foreignIndex(m.Def, a.Columns), foreignIndex(m.Def, b.Columns)), cmp.Compare(a.Name, b.Name))
	})
	out := make([]ForeignKey, len(fks))
	for i := range fks {
		f := &fks[i]
		out[i] = ForeignKey{Schema: f.ParentSchema, Table: f.ParentTable, Parts: f.ParentColumns}
		for _, name := range f.Columns {
			out[i].Columns = append(out[i].Columns, slices.IndexFunc(m.Def.Columns, func(c table.Column) bool { return strings.EqualFold(c.Name, name) }))
		}
	}
	return out
}

var privilegeTypes = map[string]sql.PrivilegeType{"SELECT": sql.PrivilegeType_Select, "INSERT": sql.PrivilegeType_Insert, "UPDATE": sql.PrivilegeType_Update,
	"DELETE": sql.PrivilegeType_Delete}

// MayTable reports whether the account has all the privileges on a table, by whatever level of grant above columns.
func (s *Session) MayTable(schema, name string, privileges []string) bool {
	if s.login.AccountUser == "" && s.login.AccountHost == "" {
		return true
	}
	c := s.context(context.Background(), "")
	set := s.e.mysqlDB().UserActivePrivilegeSet(c)
	if set.Has(sql.PrivilegeType_Super) {
		return true
	}
	for _, p := range privileges {
		t, ok := privilegeTypes[p]
		if !ok || !set.Has(t) && !set.Database(schema).Has(t) && !set.Database(schema).Table(name).Has(t) {
			return false
		}
	}
	return true
}

// SetAutocommit is SET autocommit.
func (s *Session) SetAutocommit(on bool) error {
	return s.gms.SetSessionVariable(s.context(context.Background(), ""), "autocommit", on)
}

// Warn adds warnings to those of the statement that Note told of.
func (s *Session) Warn(warnings []*mysqlerr.Error) {
	for _, e := range warnings {
		s.gms.Warn(&sql.Warning{Level: "Warning", Code: int(e.Code), Message: e.Message})
	}
}

// Note records what a statement outside of this lane did.
func (s *Session) Note(rowCount, foundRows int64, insertID uint64) {
	q := s.gms.GetLastQueryInfo()
	q.RowCount.Store(rowCount)
	if rowCount < 0 {
		q.FoundRows.Store(foundRows)
	}
	if insertID != 0 {
		q.LastInsertId.Store(int64(insertID))
	}
	if s.gms.WarningCount() > 0 {
		s.gms.ClearWarnings()
	}
}
