package lock

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
	written bool // stands for a change of the row: it lasts until the transaction ends
	aborted bool // taken from the queue by a deadlock's resolution, a timeout or a kill
	next    *request
}

// queue holds the requests on one name in the order of their arrival. It is a pure structure: its methods know no
// locks and wake nobody, they say whom to wake.
type queue struct {
	name  string
	first *request
}

// conflict reports whether a request of mode m by o must wait for r.
func conflict(o *Owner, m Mode, r *request) bool {
	return r.owner != o && clashes[m][r.mode]
}

// held returns the strongest granted mode of o.
func (q *queue) held(o *Owner) (m Mode, any bool) {
	for r := q.first; r != nil; r = r.next {
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
	ahead := true
	for r := q.first; r != nil; r = r.next {
		if r == stop {
			ahead = false
		} else if conflict(o, m, r) && (r.granted || ahead && !upgrade) {
			return false
		}
	}
	return true
}

func (q *queue) push(r *request) {
	r.q, r.next = q, nil
	p := &q.first
	for *p != nil {
		p = &(*p).next
	}
	*p = r
}

func (q *queue) pushFront(r *request) { r.q, r.next, q.first = q, q.first, r }

func (q *queue) remove(r *request) {
	for p := &q.first; *p != nil; p = &(*p).next {
		if *p == r {
			*p = r.next
			r.next = nil
			return
		}
	}
}

// grant grants what can be granted now and calls wake for each.
func (q *queue) grant(wake func(*request)) {
	for r := q.first; r != nil; r = r.next {
		if r.granted {
			continue
		}
		_, upgrade := q.held(r.owner)
		if q.free(r.owner, r.mode, upgrade, r) {
			r.granted = true
			q.check()
			wake(r)
		}
	}
}

// blockers calls fn for the owners that r waits for.
func (q *queue) blockers(r *request, fn func(*Owner)) {
	_, upgrade := q.held(r.owner)
	ahead := true
	for x := q.first; x != nil; x = x.next {
		if x == r {
			ahead = false
			continue
		}
		if conflict(r.owner, r.mode, x) && (x.granted || ahead && !upgrade) {
			fn(x.owner)
		}
	}
}
