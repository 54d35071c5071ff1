package diff

import (
	"fmt"
	"math/rand/v2"
)

// Step is one statement of one session.
type Step struct {
	Session  int
	SQL      *Node
	Prepared bool // prepared, its literals sent as parameters
	Ordered  bool // the order of its rows is fixed
	Contents bool // it reads a whole table
	Schema   bool // it changes the schema: where it is refused only contents are compared after it
	Fold     bool // its strings are representatives of groups: compared under a collation
}

// Case is what a seed becomes: a fresh database with a default collation, and statements in one order over its sessions.
type Case struct {
	Seed      uint64
	Collation string
	Mode      string // sql_mode
	Isolation string
	Sessions  int
	Steps     []Step
}

const (
	strictMode = "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
	looseMode  = "ONLY_FULL_GROUP_BY,NO_ENGINE_SUBSTITUTION"
)

type gen struct {
	rng       *rand.Rand
	collation string
	mixed     bool // columns of several collations
	wild      bool // values that do not fit, and other mistakes
	tables    []*tableModel
	views     []*view
	open      []bool // by session: a transaction is open
	session   int
	aliases   int
	steps     []Step
	isolation string
}

// Generate makes the Case of a seed with about n statements.
func Generate(seed uint64, n int) Case {
	r := rand.New(rand.NewPCG(seed, 0x5eed))
	g := &gen{rng: r, collation: collations[r.IntN(len(collations))], mixed: r.IntN(6) == 0, wild: r.IntN(3) == 0}
	c := Case{Seed: seed, Collation: g.collation, Mode: strictMode, Sessions: 1,
		Isolation: []string{"REPEATABLE READ", "REPEATABLE READ", "READ COMMITTED", "READ UNCOMMITTED", "SERIALIZABLE"}[r.IntN(5)]}
	if r.IntN(8) == 0 {
		c.Mode = looseMode
	}
	if g.chance(weightMode) {
		c.Mode += "," + moreModes[r.IntN(len(moreModes))]
	}
	if c.Isolation != "SERIALIZABLE" && r.IntN(4) == 0 {
		c.Sessions = 2 + r.IntN(2)
	}
	g.isolation = c.Isolation
	g.open = make([]bool, c.Sessions)
	g.schema(c.Sessions == 1)
	change, ddl := 1+r.IntN(5), r.IntN(3)
	for len(g.steps) < n {
		g.session = r.IntN(c.Sessions)
		switch p := r.IntN(12); {
		case p < change:
			g.change()
		case p < change+ddl:
			g.ddl()
		case p == 11:
			g.transaction()
		default:
			q := g.query()
			g.add(Step{SQL: q.node, Ordered: q.ordered, Fold: q.fold, Prepared: !q.fold && r.IntN(5) == 0})
		}
	}
	for s := range g.open {
		if g.session = s; g.open[s] {
			g.add(Step{SQL: cat("COMMIT")})
		}
	}
	g.session = 0
	for _, t := range g.tables {
		g.contents(t)
	}
	c.Steps = g.steps
	return c
}

func (g *gen) add(s Step) {
	s.Session = g.session
	g.steps = append(g.steps, s)
}

// contents reads a whole table.
func (g *gen) contents(t *tableModel) {
	g.add(Step{SQL: cat("SELECT * FROM " + t.name), Contents: true})
}

func (g *gen) schema(foreign bool) {
	for i := range 1 + g.rng.IntN(3) {
		t, create := g.newTable(fmt.Sprintf("t%d", i))
		g.tables = append(g.tables, t)
		g.add(Step{SQL: create, Schema: true})
	}
	if foreign && g.rng.IntN(6) == 0 {
		if create := g.child("t9"); create != nil {
			g.add(Step{SQL: create, Schema: true})
		}
	}
	if foreign && g.chance(weightTrigger) {
		if tr := g.trigger(g.tables[g.rng.IntN(len(g.tables))]); tr != nil {
			g.add(Step{SQL: tr, Schema: true})
		}
	}
	for range 2 {
		if !foreign || !g.chance(weightViews) {
			break
		}
		if v, create := g.newView(g.tables[g.rng.IntN(len(g.tables))]); v != nil {
			g.views = append(g.views, v)
			g.add(Step{SQL: create, Schema: true})
		}
	}
	for _, t := range g.tables {
		for range 1 + g.rng.IntN(3) {
			cols := g.insertColumns(t)
			g.add(Step{SQL: cat([]string{"INSERT INTO ", "INSERT IGNORE INTO "}[g.rng.IntN(2)]+t.name+" ("+t.names(cols)+") VALUES ", g.rows(t, cols, 2+g.rng.IntN(6)))})
		}
	}
}

// mayWrite reports whether no other session holds locks in the table, and takes it for this one if its transaction goes on.
func (g *gen) mayWrite(tables ...*tableModel) bool {
	for _, t := range tables {
		if t.owner >= 0 && t.owner != g.session {
			return false
		}
	}
	for _, t := range tables {
		if g.open[g.session] {
			t.owner = g.session
		}
	}
	return true
}

func (g *gen) change() {
	r := g.rng
	t := g.tables[r.IntN(len(g.tables))]
	var node *Node
	var reads []*tableModel
	if g.chance(weightViewChange) {
		if n, of := g.throughView(); n != nil {
			g.add(Step{SQL: n})
			g.contents(of)
			return
		}
	}
	switch r.IntN(10) {
	case 0, 1, 2, 3:
		node, reads = g.insert(t)
	case 4, 5, 6:
		node = g.update(t)
	case 7:
		node, reads = g.multi(t)
	case 8:
		node = g.delete(t)
	case 9:
		if len(t.primary) == 0 || t.owner >= 0 && t.owner != g.session {
			return
		}
		q := g.query()
		all := append([]*tableModel{}, g.tables...)
		if g.mayWrite(all...) && q.ordered {
			q.node = cat(q.node, []string{" FOR UPDATE", " LOCK IN SHARE MODE"}[r.IntN(2)])
		}
		g.add(Step{SQL: q.node, Ordered: q.ordered, Fold: q.fold})
		return
	}
	if node == nil || !g.mayWrite(append(reads, t)...) {
		return
	}
	g.add(Step{SQL: node, Prepared: r.IntN(4) == 0})
	if r.IntN(2) == 0 {
		g.contents(t)
	}
}

func (g *gen) ddl() {
	for _, open := range g.open { // it would wait for every transaction that has seen the table
		if open {
			return
		}
	}
	if g.rng.IntN(12) == 0 && len(g.tables) < 5 {
		t, create := g.newTable(fmt.Sprintf("t%d", len(g.tables)))
		g.tables = append(g.tables, t)
		g.add(Step{SQL: create, Schema: true})
		return
	}
	if node := g.alter(); node != nil {
		g.add(Step{SQL: node, Schema: true})
	}
}

func (g *gen) transaction() {
	s := g.session
	if !g.open[s] {
		begin := []string{"BEGIN", "START TRANSACTION", "START TRANSACTION WITH CONSISTENT SNAPSHOT"}[g.rng.IntN(3)]
		if g.isolation != "REPEATABLE READ" {
			begin = "BEGIN"
		}
		g.add(Step{SQL: cat(begin)})
		g.open[s] = true
		// Its snapshot begins with the first table that is read, which is not one that a plan may pass by.
		g.contents(g.tables[0])
		return
	}
	switch g.rng.IntN(5) {
	case 0:
		g.add(Step{SQL: cat("SAVEPOINT s")})
	case 1:
		g.add(Step{SQL: cat("ROLLBACK TO SAVEPOINT s")})
	case 2:
		g.add(Step{SQL: cat("ROLLBACK")})
		g.end(s)
	default:
		g.add(Step{SQL: cat("COMMIT")})
		g.end(s)
	}
}

func (g *gen) end(s int) {
	g.open[s] = false
	for _, t := range g.tables {
		if t.owner == s {
			t.owner = -1
		}
	}
}
