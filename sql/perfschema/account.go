package perfschema

import (
	"cmp"
	"maps"
	"slices"
	"sync"
)

// AccountName is a client's user and host, as tables name them.
type AccountName struct{ User, Host string }

// Account counts an account's connections, and has what its sessions that have ended counted.
type Account struct {
	AccountName
	mu             sync.Mutex
	current, total uint64 // connections
	live           map[*Thread]struct{}
	counts         Counts
	commands       [kinds]uint64
	past           tally
}

// AccountState is an Account's figures at one moment.
type AccountState struct {
	AccountName
	Current, Total uint64 // connections
	Counts         Counts
	Commands       [kinds]uint64
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
	th.flags.Store(r.setup.actor(n))
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
	a.counts.add(&c)
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range t.commands {
		a.commands[k.kind] += k.n
	}
	for p := range parts {
		a.past.add(p, &t.tally)
	}
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

// accountsByName are the accounts that have connected since the start, by name.
func (r *Recorder) accountsByName() []*Account {
	all := slices.DeleteFunc(r.list(), func(a *Account) bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.total == 0
	})
	slices.SortFunc(all, func(a, b *Account) int { return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Host, b.Host)) })
	return all
}

// Account is whom the session's statements count for.
func (t *Thread) Account() AccountName { return t.account.AccountName }

// Accounts returns the accounts that have connected since the start, by name.
func (r *Recorder) Accounts() []AccountState {
	all := r.accountsByName()
	out := make([]AccountState, 0, len(all))
	for _, a := range all {
		a.mu.Lock()
		s := AccountState{AccountName: a.AccountName, Current: a.current, Total: a.total, Counts: a.counts, Commands: a.commands}
		for t := range a.live {
			t.mu.Lock()
			c := t.current()
			s.Counts.add(&c)
			for _, k := range t.commands {
				s.Commands[k.kind] += k.n
			}
			t.mu.Unlock()
		}
		a.mu.Unlock()
		out = append(out, s)
	}
	return out
}
