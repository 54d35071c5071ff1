package perfschema

import (
	"sync"

	"github.com/zoryadb/zorya/engine/table"
)

// tableUse is what of the engine's counts of tables is shown: they begin anew when their tables are truncated, and stand still while nothing measures them.
type tableUse struct {
	mu     sync.Mutex
	base   map[indexName]table.IndexUse // counted before what is shown began
	frozen map[indexName]table.IndexUse // nil: the counts go on
}

type indexName struct{ schema, table, index string }

func eachIndex(tables []table.TableUse, f func(indexName, *table.IndexUse)) {
	for i := range tables {
		for k := range tables[i].Indexes {
			x := &tables[i].Indexes[k]
			f(indexName{tables[i].Schema, tables[i].Name, x.Name}, x)
		}
	}
}

func minus(a, b table.IndexUse) table.IndexUse {
	less := func(x, y uint64) uint64 { return x - min(x, y) } // a table made anew counts from zero
	return table.IndexUse{Name: a.Name, Fetch: less(a.Fetch, b.Fetch), Insert: less(a.Insert, b.Insert), Update: less(a.Update, b.Update), Delete: less(a.Delete, b.Delete)}
}

// shown are the counts as they are to be seen.
func (u *tableUse) shown(s *setup, tables []table.TableUse) (out []table.TableUse) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range tables {
		t := tables[i]
		if !s.measures(t.Schema, t.Name) {
			continue
		}
		t.Indexes = append([]table.IndexUse(nil), t.Indexes...)
		out = append(out, t)
	}
	eachIndex(out, func(n indexName, x *table.IndexUse) {
		if u.frozen != nil {
			*x = u.frozen[n]
			x.Name = n.index
			return
		}
		*x = minus(*x, u.base[n])
	})
	return out
}

// truncate begins the counts anew.
func (u *tableUse) truncate(tables []table.TableUse) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.frozen != nil {
		u.frozen = map[indexName]table.IndexUse{}
		return
	}
	u.base = map[indexName]table.IndexUse{}
	eachIndex(tables, func(n indexName, x *table.IndexUse) { u.base[n] = *x })
}

// measure lets the counts go on, or stand still.
func (u *tableUse) measure(on bool, tables []table.TableUse) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if on == (u.frozen == nil) {
		return
	}
	if on {
		base := map[indexName]table.IndexUse{}
		eachIndex(tables, func(n indexName, x *table.IndexUse) { base[n] = minus(*x, u.frozen[n]) })
		u.base, u.frozen = base, nil
		return
	}
	u.frozen = map[indexName]table.IndexUse{}
	eachIndex(tables, func(n indexName, x *table.IndexUse) { u.frozen[n] = minus(*x, u.base[n]) })
}
