package fastlane

import (
	"bytes"
	"sync/atomic"

	"github.com/zoryadb/zorya/sql/wire"
)

// Template is the text of a prepared statement, normalised once: executions only put their parameters into its arguments. It is immutable but for
// what it remembers of the last lookup, and shared by all connections that prepare the same text, so that it stays in the processor's
// caches however many they are.
type Template struct {
	text   []byte
	params int
	query  Query // arguments of kind argParam stand for parameters; never reset
	bound  atomic.Pointer[boundDigest]
}

// boundDigest is what a template's digest means in one default database.
type boundDigest struct {
	schema  string
	results uint16
	st      *Statement
}

// maxTemplates bounds the texts that are shared, maxTemplate the length of each.
const (
	maxTemplates = 8192
	maxTemplate  = 4096
)

// Template normalises the text of a prepared statement, nil when no plan could stand for it.
func (l *Lane) Template(text []byte) *Template {
	l.mu.RLock()
	t := l.templates[string(text)]
	l.mu.RUnlock()
	if t != nil || len(text) > maxFast {
		return t
	}
	t = &Template{text: bytes.Clone(text)}
	var ok bool
	if t.params, ok = t.query.template(t.text); !ok {
		return nil
	}
	if len(text) > maxTemplate {
		return t
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if have := l.templates[string(text)]; have != nil {
		return have
	}
	for old := range l.templates {
		if len(l.templates) < maxTemplates {
			break
		}
		delete(l.templates, old)
	}
	l.templates[string(text)] = t
	return t
}

// Text is the statement's. It must not be changed.
func (t *Template) Text() []byte { return t.text }

// Params is how many parameters the statement has.
func (t *Template) Params() int { return t.params }

// LookupTemplate is Lookup for a template.
func (l *Lane) LookupTemplate(t *Template, schema string, results uint16) *Statement {
	if b := t.bound.Load(); b != nil && b.schema == schema && b.results == results {
		l.hits.Add(1)
		return b.st
	}
	q := Query{Digest: bytes.Clone(t.query.Digest)}
	st := l.Lookup(&q, schema, results)
	t.bound.Store(&boundDigest{schema, results, st})
	return st
}

// Fill makes q the template's statement with these parameters, but for the digest. It reports false for parameters that are too few or too many.
func (q *Query) Fill(t *Template, params []wire.Param) bool {
	q.reset()
	if len(params) != t.params {
		return false
	}
	q.Args = appendFilled(q.Args, t.query.Args, params)
	q.List = appendFilled(q.List, t.query.List, params)
	q.Lists = append(q.Lists, t.query.Lists...)
	q.Groups, q.clock = t.query.Groups, t.query.clock
	return true
}

func appendFilled(dst, args []Arg, params []wire.Param) []Arg {
	for i := range args {
		if a := &args[i]; a.Kind == argParam {
			dst = append(dst, paramArg(&params[a.N]))
		} else {
			dst = append(dst, *a)
		}
	}
	return dst
}
