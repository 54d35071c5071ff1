package fastlane

import "strings"

// column finds a column by its name, which compares without case; false if there is none, or several. Those of a subquery come before those of the query around it.
func (b *binder) column(n colName) (ref, bool) {
	if b.scope != 0 {
		if r, ok := b.columnOf(n, b.scope); ok || r.t >= 0 {
			return r, ok
		}
	}
	return b.columnOf(n, 0)
}

// columnOf is column in one scope. Of several it returns one, and false.
func (b *binder) columnOf(n colName, scope int) (ref, bool) {
	found := ref{-1, -1}
	for t := range b.p.tables {
		bt := &b.p.tables[t]
		if b.p.shape.tables[t].scope != scope || !b.qualifies(n, t) {
			continue
		}
		for c := range bt.def.Columns {
			if !strings.EqualFold(bt.def.Columns[c].Name, n.name) || bt.desc.Columns[c].Hidden {
				continue
			}
			if found.t >= 0 {
				return found, false
			}
			found = ref{t, c}
		}
	}
	return found, found.t >= 0
}

func (b *binder) qualifies(n colName, t int) bool {
	bt := &b.p.tables[t]
	if n.qualifier == "" {
		return true
	}
	if bt.alias != "" {
		return n.schema == "" && strings.EqualFold(n.qualifier, bt.alias)
	}
	return n.qualifier == b.p.shape.tables[t].name && (n.schema == "" || n.schema == bt.def.Schema)
}
