package session

// linked is a doubly linked list in order of arrival. Its elements hold their links themselves, so that nothing is allocated; one is in
// at most one list at a time. The gate has four: places, two queues for them, and transactions at work with their queue.
type linked[T any] struct {
	head, tail *link[T]
	n          int
}

// link is an element's place in a list.
type link[T any] struct {
	before, after *link[T]
	of            *T // nil: in none
}

// push appends an element, whose link l is.
func (q *linked[T]) push(l *link[T], of *T) {
	l.before, l.after, l.of = q.tail, nil, of
	if q.tail == nil {
		q.head = l
	} else {
		q.tail.after = l
	}
	q.tail = l
	q.n++
}

// first returns the oldest element, nil if there is none.
func (q *linked[T]) first() *T {
	if q.head == nil {
		return nil
	}
	return q.head.of
}

// remove takes an element out, which must be in this list.
func (q *linked[T]) remove(l *link[T]) {
	if l.before == nil {
		q.head = l.after
	} else {
		l.before.after = l.after
	}
	if l.after == nil {
		q.tail = l.before
	} else {
		l.after.before = l.before
	}
	l.before, l.after, l.of = nil, nil, nil
	q.n--
}
