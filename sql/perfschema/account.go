package perfschema

import (
	"cmp"
	"maps"
	"slices"
	"sync"
)

// AccountName is a client's user and host, as tables name them.
type AccountName struct{ User, Host string }

// Account counts an account's connections, and its statements by kind.
type Account struct {
	AccountName
	mu             sync.Mutex
	current, total uint64 // connections
	live           map[*Thread]struct{}
	past           Counts              // of sessions that have ended
	cells          cells[[kinds]*Sums] // nil: there was none of the kind
}

func (a *Account) record(session uint32, k Kind, e *Statement) {
	a.cells.with(session, func(c *[kinds]*Sums) {
		if c[k] == nil {
			c[k] = new(Sums)
		}
		c[k].add(e)
	})
}

// AccountState is an Account's figures at one moment.
type AccountState struct {
	AccountName
	Current, Total uint64 // connections
	Kinds          [kinds]Sums
	Counts         Counts
}

// Connect counts a connection of an account, and returns what counts its session, for Record and Disconnect. traffic returns how many bytes came and went so
// far; it may be nil. texts are the session's status variables that are no numbers.
func (r *Recorder) Connect(n AccountName, id uint64, texts map[string]string, traffic func() (in, out uint64)) *Thread {
	t := &r.accounts
	t.Lock()
	a := t.by[n]
	switch {
	case a != nil:
	case len(t.by) >= maxAccounts:
		a = t.over
	default:
		a = &Account{AccountName: n, live: map[*Thread]struct{}{}}
		t.by[n] = a
	}
	t.Unlock()
	th := &Thread{ID: id, Texts: texts, account: a, traffic: traffic}
	a.mu.Lock()
	a.current++
	a.total++
	a.live[th] = struct{}{}
	a.mu.Unlock()
	return th
}

// Disconnect counts the end of a connection.
func (t *Thread) Disconnect() {
	c := t.Counts()
	a := t.account
	a.mu.Lock()
	defer a.mu.Unlock()
	a.current--
	a.past.add(&c)
	delete(a.live, t)
}

// Threads returns the sessions that are connected, by their numbers.
func (r *Recorder) Threads() []*Thread {
	var out []*Thread
	for _, a := range r.list() {
		a.mu.Lock()
		out = slices.AppendSeq(out, maps.Keys(a.live))
		a.mu.Unlock()
	}
	slices.SortFunc(out, func(a, b *Thread) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Thread returns the session of a connection; nil: there is none.
func (r *Recorder) Thread(id uint64) *Thread {
	for _, t := range r.Threads() {
		if t.ID == id {
			return t
		}
	}
	return nil
}

func (r *Recorder) list() []*Account {
	t := &r.accounts
	t.Lock()
	defer t.Unlock()
	all := make([]*Account, 0, len(t.by)+1)
	for _, a := range t.by {
		all = append(all, a)
	}
	return append(all, t.over)
}

// Account is whom the session's statements count for.
func (t *Thread) Account() AccountName { return t.account.AccountName }

// Accounts returns the accounts that have connected since the start, by name.
func (r *Recorder) Accounts() []AccountState {
	all := r.list()
	out := make([]AccountState, 0, len(all))
	for _, a := range all {
		a.mu.Lock()
		s := AccountState{AccountName: a.AccountName, Current: a.current, Total: a.total, Counts: a.past}
		for t := range a.live {
			c := t.Counts()
			s.Counts.add(&c)
		}
		a.mu.Unlock()
		a.cells.each(func(c *[kinds]*Sums) {
			for k, sums := range c {
				if sums != nil {
					s.Kinds[k].Add(sums)
				}
			}
		})
		if a != r.accounts.over || s.Total > 0 {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b AccountState) int { return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Host, b.Host)) })
	return out
}
