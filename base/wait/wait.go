// Package wait tells whoever admitted a piece of work that it is about to block, and that it goes on.
//
// The SQL dispatcher runs only a few statements per CPU at once. A statement that waits (for a row lock, a page from
// storage, a commit, a client's socket) must not keep its place meanwhile. So every floor brackets its waits:
//
//	w := wait.Begin(ctx)
//	<-granted
//	w.End()
//
// Invariant: End never blocks, so it may be called under a latch: a statement that has begun goes on as soon as what it
// waited for is there, and it is new statements that are held back. Brackets that are known to be short (under some
// ten microseconds: a latch, a mutex) are not worth it. Both calls cost a few tens of nanoseconds; a context without an owner
// costs one Value lookup.
package wait

import "context"

// Owner is told of waits. Begin and End come in pairs, from one goroutine at a time.
type Owner interface {
	BeginWait()
	EndWait()
}

// LockOwner is an Owner that wants to know which of its waits are for locks of others: those a dispatcher can shorten by
// letting fewer in.
type LockOwner interface {
	Owner
	BeginLockWait()
	EndLockWait()
}

type key struct{}

// With returns a context whose waits are told to o.
func With(ctx context.Context, o Owner) context.Context {
	return context.WithValue(ctx, key{}, o)
}

// Key is the context key under which an Owner is kept, for context types that answer Value themselves.
var Key any = key{}

// Bracket is one wait under way.
type Bracket struct {
	o    Owner
	lock LockOwner // instead of o
}

// Begin says that the caller is about to block.
func Begin(ctx context.Context) Bracket {
	o, _ := ctx.Value(Key).(Owner)
	if o != nil {
		o.BeginWait()
	}
	return Bracket{o: o}
}

// BeginLock says that the caller is about to wait for a lock of another transaction.
func BeginLock(ctx context.Context) Bracket {
	l, ok := ctx.Value(Key).(LockOwner)
	if !ok {
		return Begin(ctx)
	}
	l.BeginLockWait()
	return Bracket{lock: l}
}

// Teller is an Owner that also shows what it waits for, in the process list.
type Teller interface {
	Owner
	BeginWaitAs(state string)
}

// Describer is an Owner that can say what work it is: a statement's text.
type Describer interface {
	Owner
	Describe() string
}

// Describe asks the owner of ctx what it works on; "" when there is none or it cannot say. It takes the owner's own locks: call it with none held
// that somebody takes under those.
func Describe(ctx context.Context) string {
	if o, ok := ctx.Value(Key).(Describer); ok {
		return o.Describe()
	}
	return ""
}

// BeginAs is Begin for a wait that users want to see by its name.
func BeginAs(ctx context.Context, state string) Bracket {
	if o, ok := ctx.Value(Key).(Teller); ok {
		o.BeginWaitAs(state)
		return Bracket{o: o}
	}
	return Begin(ctx)
}

// Sharer is an Owner that knows whether somebody else would have the processors that more goroutines for the same work took.
type Sharer interface {
	Owner
	Spare() bool
}

// Spare reports whether a processor is idle as far as the owner of ctx knows; without one nobody is in the way. Paced work has none to spare while others are at work.
func Spare(ctx context.Context) bool {
	o, ok := ctx.Value(Key).(Sharer)
	return !Crowded(ctx) && (!ok || o.Spare())
}

// Breather is an Owner that lets others go first now and then, when its work is long and never waits by itself.
type Breather interface {
	Owner
	Breathe()
}

// Breathe is called between units of work that may go on for long without a wait (the leaves of a scan), under no latch, by any goroutine of the work. It may
// let others go first.
func Breathe(ctx context.Context) {
	if o, ok := ctx.Value(Key).(Breather); ok {
		o.Breathe()
	}
}

// End says that the wait is over. It does not block.
func (b Bracket) End() {
	switch {
	case b.lock != nil:
		b.lock.EndLockWait()
	case b.o != nil:
		b.o.EndWait()
	}
}
