package perfschema

import (
	"cmp"
	"slices"
	"sync"
)

// AccountName is a client's user and host, as tables name them.
type AccountName struct{ User, Host string }

// Account counts an account's connections, and its statements by kind.
type Account struct {
	AccountName
	mu             sync.Mutex
	current, total uint64              // connections
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
}

// Connect counts a connection of an account, which it returns for Record and Disconnect.
func (r *Recorder) Connect(n AccountName) *Account {
	t := &r.accounts
	t.Lock()
	a := t.by[n]
	switch {
	case a != nil:
	case len(t.by) >= maxAccounts:
		a = t.over
	default:
		a = &Account{AccountName: n}
		t.by[n] = a
	}
	t.Unlock()
	a.mu.Lock()
	a.current++
	a.total++
	a.mu.Unlock()
	return a
}

// Disconnect counts the end of a connection.
func (a *Account) Disconnect() {
	a.mu.Lock()
	a.current--
	a.mu.Unlock()
}

// Accounts returns the accounts that have connected since the start, by name.
func (r *Recorder) Accounts() []AccountState {
	t := &r.accounts
	t.Lock()
	all := make([]*Account, 0, len(t.by)+1)
	for _, a := range t.by {
		all = append(all, a)
	}
	all = append(all, t.over)
	t.Unlock()
	out := make([]AccountState, 0, len(all))
	for _, a := range all {
		a.mu.Lock()
		s := AccountState{AccountName: a.AccountName, Current: a.current, Total: a.total}
		a.mu.Unlock()
		a.cells.each(func(c *[kinds]*Sums) {
			for k, sums := range c {
				if sums != nil {
					s.Kinds[k].Add(sums)
				}
			}
		})
		if a != t.over || s.Total > 0 {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b AccountState) int { return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Host, b.Host)) })
	return out
}
