package perfschema

import (
	"cmp"
	"slices"
	"time"
)

// tally is what events of all kinds add up to. A session has one, and what it holds goes to its account when the session ends, and from there to the account's
// user, its host and the server when a table of these is truncated: so each of MySQL's summaries keeps what those below it have given up.
type tally struct {
	statements   []kindSums // most sessions run statements of a few kinds only
	errors       []ErrorCount
	transactions [2]Times // that may write, and that only read
	stages       []stageTimes
}

type kindSums struct {
	kind Kind
	Sums
}

// Times are a count of events and how long they took, in nanoseconds.
type Times struct{ Count, Sum, Min, Max uint64 }

type stageTimes struct {
	stage string
	Times
}

// part is one kind of event within a tally.
type part uint8

const (
	statementPart part = iota
	errorPart
	transactionPart
	stagePart
	parts
)

func (t *Times) add(took time.Duration) {
	n := uint64(max(took, 0))
	t.merge(&Times{1, n, n, n})
}

func (t *Times) merge(o *Times) {
	if o.Count == 0 {
		return
	}
	if t.Count == 0 || o.Min < t.Min {
		t.Min = o.Min
	}
	t.Max = max(t.Max, o.Max)
	t.Count += o.Count
	t.Sum += o.Sum
}

func (t *tally) of(k Kind) *Sums {
	for i := range t.statements {
		if t.statements[i].kind == k {
			return &t.statements[i].Sums
		}
	}
	t.statements = append(t.statements, kindSums{kind: k})
	return &t.statements[len(t.statements)-1].Sums
}

func (t *tally) stage(name string) *Times {
	for i := range t.stages {
		if t.stages[i].stage == name {
			return &t.stages[i].Times
		}
	}
	t.stages = append(t.stages, stageTimes{stage: name})
	return &t.stages[len(t.stages)-1].Times
}

// error counts an error that was raised n times. Codes are bounded by their type.
func (t *tally) error(e ErrorCount) {
	i, ok := slices.BinarySearchFunc(t.errors, e.Code, func(x ErrorCount, code uint16) int { return cmp.Compare(x.Code, code) })
	if !ok {
		t.errors = slices.Insert(t.errors, i, e)
		return
	}
	x := &t.errors[i]
	x.Raised += e.Raised
	x.First, x.Last = min(x.First, e.First), max(x.Last, e.Last)
}

// add adds one part of another tally.
func (t *tally) add(p part, o *tally) {
	switch p {
	case statementPart:
		for i := range o.statements {
			t.of(o.statements[i].kind).Add(&o.statements[i].Sums)
		}
	case errorPart:
		for _, e := range o.errors {
			t.error(e)
		}
	case transactionPart:
		for i := range o.transactions {
			t.transactions[i].merge(&o.transactions[i])
		}
	case stagePart:
		for i := range o.stages {
			t.stage(o.stages[i].stage).merge(&o.stages[i].Times)
		}
	}
}

func (t *tally) clear(p part) {
	switch p {
	case statementPart:
		t.statements = nil
	case errorPart:
		t.errors = nil
	case transactionPart:
		t.transactions = [2]Times{}
	case stagePart:
		t.stages = nil
	}
}

// rest is what users, hosts and the server have beyond what the tallies of accounts hold.
type rest struct {
	users, hosts map[string]*tally
	global       tally
}

// level is by what a summary groups.
type level uint8

const (
	byThread level = iota
	byAccount
	byUser
	byHost
	overall
)

// truncate is TRUNCATE TABLE of a summary: what it and those below it count begins anew, and those above keep what they have.
func (r *Recorder) truncate(p part, l level) {
	r.rest.Lock()
	defer r.rest.Unlock()
	for _, a := range r.list() {
		a.mu.Lock()
		for t := range a.live {
			t.mu.Lock()
			a.past.add(p, &t.tally)
			t.clear(p)
			t.mu.Unlock()
		}
		if l != byThread {
			for _, to := range []*tally{r.rest.of(&r.rest.users, a.User), r.rest.of(&r.rest.hosts, a.Host), &r.rest.global} {
				to.add(p, &a.past)
			}
			a.past.clear(p)
		}
		a.mu.Unlock()
	}
	if l == byUser || l == overall {
		for _, t := range r.rest.users {
			t.clear(p)
		}
	}
	if l == byHost || l == overall {
		for _, t := range r.rest.hosts {
			t.clear(p)
		}
	}
	if l == overall {
		r.rest.global.clear(p)
	}
}

// of finds the tally of a user or host: there are no more of them than accounts.
func (*rest) of(m *map[string]*tally, name string) *tally {
	if *m == nil {
		*m = map[string]*tally{}
	}
	t := (*m)[name]
	if t == nil {
		t = &tally{}
		(*m)[name] = t
	}
	return t
}

// named is a tally of a thread, an account, a user, a host or the server, and what tables call it.
type named struct {
	name []any
	tally
}

// tallies are one part of what is counted, at one level. sees says which sessions' the reader may see.
func (r *Recorder) tallies(p part, l level, sees func(id uint64) bool) (out []*named) {
	at := map[[2]any]*named{}
	find := func(name ...any) *named {
		var key [2]any
		copy(key[:], name)
		n := at[key]
		if n == nil {
			n = &named{name: name}
			at[key] = n
			out = append(out, n)
		}
		return n
	}
	r.rest.Lock()
	defer r.rest.Unlock()
	if l == overall {
		find().add(p, &r.rest.global)
	}
	for _, a := range r.accountsByName() {
		a.mu.Lock()
		var to *named
		switch l {
		case byAccount:
			to = find(text(a.User), text(a.Host))
		case byUser:
			to = find(text(a.User))
		case byHost:
			to = find(text(a.Host))
		case overall:
			to = find()
		}
		if to != nil {
			to.add(p, &a.past)
		}
		for t := range a.live {
			if l == byThread {
				if !sees(t.ID) {
					continue
				}
				to = find(t.ID)
			}
			t.mu.Lock()
			to.add(p, &t.tally)
			t.mu.Unlock()
		}
		a.mu.Unlock()
	}
	for name, t := range map[level]map[string]*tally{byUser: r.rest.users, byHost: r.rest.hosts}[l] {
		find(text(name)).add(p, t)
	}
	if l == byThread {
		slices.SortFunc(out, func(a, b *named) int { return cmp.Compare(a.name[0].(uint64), b.name[0].(uint64)) })
	}
	return out
}
