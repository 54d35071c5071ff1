//go:build !invariants

package lock

// audit watches a wait in test builds (audit_on.go). The caller calls what it returns when the wait has ended.
func (t *Table) audit() (end func()) { return func() {} }

// check proves that a queue keeps its promise, in test builds.
func (q *queue) check() {}
