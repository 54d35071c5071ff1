// Package linked is a doubly linked list whose elements hold their links themselves, so that queues under load allocate nothing: of places at the gate,
// of requests for a lock, of connections that are ready.
//
// An element is in at most one list by one link at a time. Nothing here is safe for several goroutines: a list belongs to what its owner's lock protects.
package linked

// List is a list in order, from the first element to the last. The zero value is empty.
type List[T any] struct {
	head, tail *Link[T]
	n          int
}

// Link is an element's place in a list.
type Link[T any] struct {
	before, after *Link[T]
	of            *T // nil: in none
}

// Len is the number of elements.
func (q *List[T]) Len() int { return q.n }

// First returns the first element, nil if there is none.
func (q *List[T]) First() *T { return q.head.element() }

// Last returns the last element, nil if there is none.
func (q *List[T]) Last() *T { return q.tail.element() }

func (l *Link[T]) element() *T {
	if l == nil {
		return nil
	}
	return l.of
}

// Next returns the element behind this one, nil behind the last.
func (l *Link[T]) Next() *T { return l.after.element() }

// In reports whether the element is in a list.
func (l *Link[T]) In() bool { return l.of != nil }

// PushBack adds an element, whose link l is, behind the last.
func (q *List[T]) PushBack(l *Link[T], of *T) { q.insert(l, of, q.tail) }

// PushFront adds an element before the first.
func (q *List[T]) PushFront(l *Link[T], of *T) { q.insert(l, of, nil) }

// PushSecond adds an element behind the first, or as the first.
func (q *List[T]) PushSecond(l *Link[T], of *T) { q.insert(l, of, q.head) }

// insert puts l behind an element of the list, nil: before the first.
func (q *List[T]) insert(l *Link[T], of *T, before *Link[T]) {
	l.before, l.of = before, of
	if before == nil {
		l.after, q.head = q.head, l
	} else {
		l.after, before.after = before.after, l
	}
	if l.after == nil {
		q.tail = l
	} else {
		l.after.before = l
	}
	q.n++
}

// Remove takes out an element of this list.
func (q *List[T]) Remove(l *Link[T]) {
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
	*l = Link[T]{}
	q.n--
}
