package lock

import "github.com/zoryadb/zorya/base/linked"

// Mode is the strength of a row or metadata lock.
type Mode uint8

// Modes. Write and ReadOnly are for metadata: a table that a statement may change, and one that nobody shall change (LOCK TABLES ... READ).
const (
	Shared Mode = iota
	Write
	ReadOnly
	Exclusive
)

// clashes tells which modes of two owners exclude each other.
var clashes = [4][4]bool{
	Shared:    {Exclusive: true},
	Write:     {ReadOnly: true, Exclusive: true},
	ReadOnly:  {Write: true, Exclusive: true},
	Exclusive: {true, true, true, true},
}

// request is one owner's lock, or wish for one, on a queue's name.
type request struct {
	owner   *Owner
	q       *queue
	mode    Mode
	granted bool
	written bool                 // stands for a change of the row: it lasts until the transaction ends
	aborted bool                 // taken from the queue by a deadlock's resolution, a timeout or a kill
	link    linked.Link[request] // in the queue, or among a shard's unused ones
}

// queue holds the requests on one name in the order of their arrival. It is a pure structure: its methods know no
// locks and wake nobody, they say whom to wake.
//
// Every transaction that uses a table stands in the queue of its metadata lock until its commit is durable, so what such a request costs must not grow
// with their number: granted ones are counted by mode.
type queue struct {
	name     string
	requests linked.List[request]
	granted  [len(clashes)]int // by mode
	waiting  int
}

// tally counts a request that comes, or with -1 one that goes.
func (q *queue) tally(r *request, by int) {
	if r.granted {
		q.granted[r.mode] += by
	} else {
		q.waiting += by
	}
}

// clash reports whether something that mode m does not go with is granted, be it to the owner who asks.
func (q *queue) clash(m Mode) bool {
	for x, n := range q.granted {
		if n > 0 && clashes[m][x] {
			return true
		}
	}
	return false
}

// conflict reports whether a request of mode m by o must wait for r.
func conflict(o *Owner, m Mode, r *request) bool {
	return r.owner != o && clashes[m][r.mode]
}

// held returns the strongest granted mode of o.
func (q *queue) held(o *Owner) (m Mode, any bool) {
	for r := q.requests.First(); r != nil; r = r.link.Next() {
		if r.owner == o && r.granted {
			if !any || r.mode > m {
				m = r.mode
			}
			any = true
		}
	}
	return m, any
}

// free reports whether o may have mode m now: no granted request conflicts, wherever it stands (an upgrade passed others and stands
// behind them), and none that waits before stop (nil: in the whole queue). An upgrade looks at granted requests only.
func (q *queue) free(o *Owner, m Mode, upgrade bool, stop *request) bool {
	if (upgrade || q.waiting == 0) && !q.clash(m) {
		return true
	}
	ahead := true
	for r := q.requests.First(); r != nil; r = r.link.Next() {
		if r == stop {
			ahead = false
		} else if conflict(o, m, r) && (r.granted || ahead && !upgrade) {
			return false
		}
	}
	return true
}

func (q *queue) push(r *request) {
	r.q = q
	q.requests.PushBack(&r.link, r)
	q.tally(r, 1)
}

func (q *queue) pushFront(r *request) {
	r.q = q
	q.requests.PushFront(&r.link, r)
	q.tally(r, 1)
}

// remove takes r out, if it is there.
func (q *queue) remove(r *request) {
	if r.link.In() {
		q.requests.Remove(&r.link)
		q.tally(r, -1)
	}
}

// grant grants what can be granted now and calls wake for each.
func (q *queue) grant(wake func(*request)) {
	for r := q.requests.First(); r != nil && q.waiting > 0; r = r.link.Next() {
		if r.granted || !q.free(r.owner, r.mode, true, r) { // not even an upgrade, which is how most waiters for a row get no further
			continue
		}
		_, upgrade := q.held(r.owner)
		if upgrade || q.free(r.owner, r.mode, false, r) {
			q.tally(r, -1)
			r.granted = true
			q.tally(r, 1)
			q.check()
			wake(r)
		}
	}
}

// blockers calls fn for the owners that r waits for.
func (q *queue) blockers(r *request, fn func(*Owner)) {
	_, upgrade := q.held(r.owner)
	ahead := true
	for x := q.requests.First(); x != nil; x = x.link.Next() {
		if x == r {
			ahead = false
			continue
		}
		if conflict(r.owner, r.mode, x) && (x.granted || ahead && !upgrade) {
			fn(x.owner)
		}
	}
}
