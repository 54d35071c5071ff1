// Package xpath owns XML texts and the subset of XPath 1.0 by which EXTRACTVALUE and UPDATEXML address what is in them. It knows texts and numbers only.
//
//	document.go  an XML text as a list of its nodes
//	lex.go       the words of a path
//	query.go     a path as a tree of steps and operators
//	value.go     what a path is of a document
//
// A document is read leniently, as MySQL does: entities stay as they are written, several elements may stand side by side, attributes need no quotes.
//
// Sources: the MySQL 8.0 reference manual, section 12.11; W3C, XML Path Language 1.0. Invariant: nodes are in the order of the text, so a node's
// descendants are those that follow it with a deeper level, up to the next that is not deeper.
package xpath

import (
	"fmt"
	"strings"
)

// nodeKind tells nodes apart.
type nodeKind byte

const (
	tag nodeKind = iota
	attribute
	text
)

// node is one of a document. The first one is the document itself.
type node struct {
	kind       nodeKind
	parent     int
	level      int
	name       string // a tag's or an attribute's; the text of a text
	start, end int    // where it is written, with its brackets
}

// Document is an XML text that was read.
type Document struct {
	source string
	nodes  []node
}

// maxDepth bounds how deep tags are nested, maxNodes how many nodes there are.
const (
	maxDepth = 10_000
	maxNodes = 4 << 20
)

// reader reads a document.
type reader struct {
	Document
	at   int
	open int // the node that the next ones belong to
}

// Read reads an XML text. Its error says where it is not well-formed, in MySQL's words.
func Read(source string) (*Document, error) {
	r := &reader{Document: Document{source: source, nodes: []node{{end: len(source)}}}}
	for r.at < len(source) {
		var err error
		if source[r.at] == '<' {
			err = r.markup()
		} else {
			from := r.at
			if n := strings.IndexByte(source[r.at:], '<'); n >= 0 {
				r.at += n
			} else {
				r.at = len(source)
			}
			err = r.enter(text, source[from:r.at], from, r.at)
		}
		if err == nil && len(r.nodes) > maxNodes {
			err = fmt.Errorf("more than %d nodes", maxNodes)
		}
		if err != nil {
			return nil, r.located(err)
		}
	}
	if r.open != 0 {
		return nil, r.located(fmt.Errorf("unexpected END-OF-INPUT"))
	}
	return &r.Document, nil
}

func (r *reader) located(err error) error {
	before := r.source[:r.at]
	line := strings.Count(before, "\n") + 1
	pos := len(before) + 1
	if n := strings.LastIndexByte(before, '\n'); n >= 0 {
		pos = len(before) - n + 1
	}
	return fmt.Errorf("parse error at line %d pos %d: %w", line, pos, err)
}

// enter adds a node; a text has no inside.
func (r *reader) enter(kind nodeKind, name string, start, end int) error {
	level := r.nodes[r.open].level + 1
	if level > maxDepth {
		return fmt.Errorf("more than %d levels", maxDepth)
	}
	r.nodes = append(r.nodes, node{kind: kind, parent: r.open, level: level, name: name, start: start, end: end})
	if kind != text {
		r.open = len(r.nodes) - 1
	}
	return nil
}

// leave ends the open node where the text was read to.
func (r *reader) leave() {
	n := &r.nodes[r.open]
	n.end = r.at
	if n.kind == tag {
		n.end = min(r.at+1, len(r.source)) // the bracket comes next
	}
	r.open = n.parent
}

// leaveNamed ends the open node, which has to have a name.
func (r *reader) leaveNamed(name string) error {
	const shown = 31 // bytes of a name in an error
	short := func(s string) string { return s[:min(len(s), shown)] }
	switch n := &r.nodes[r.open]; {
	case r.open == 0:
		return fmt.Errorf("'</%s>' unexpected (END-OF-INPUT wanted)", short(name))
	case n.name != name:
		return fmt.Errorf("'</%s>' unexpected ('</%s>' wanted)", short(name), short(n.name))
	}
	r.leave()
	return nil
}

// Words within brackets, besides single signs.
const (
	wordEnd     = "END-OF-INPUT"
	wordName    = "IDENT"
	wordString  = "STRING"
	wordUnknown = "unknown token"
)

func unexpected(word, wanted string) error {
	return fmt.Errorf("%s unexpected (%s wanted)", word, wanted)
}

// word reads the next word within brackets: what it is, and its text.
func (r *reader) word() (kind, text string) {
	for r.at < len(r.source) && strings.IndexByte(" \t\r\n", r.source[r.at]) >= 0 {
		r.at++
	}
	if r.at == len(r.source) {
		return wordEnd, ""
	}
	from, c := r.at, r.source[r.at]
	switch {
	case strings.IndexByte("?=/<>!", c) >= 0:
		r.at++
		return "'" + string(c) + "'", ""
	case c == '"' || c == '\'':
		from++
		to := len(r.source)
		r.at = to
		if n := strings.IndexByte(r.source[from:], c); n >= 0 {
			to = from + n
			r.at = to + 1
		}
		return wordString, r.source[from:to]
	case nameStart(c):
		for r.at < len(r.source) && (nameStart(r.source[r.at]) || strings.IndexByte("-.0123456789", r.source[r.at]) >= 0) {
			r.at++
		}
		return wordName, r.source[from:r.at]
	}
	return wordUnknown, ""
}

func nameStart(c byte) bool {
	return c == '_' || c == ':' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// markup reads what begins with a bracket.
func (r *reader) markup() error {
	start, rest := r.at, r.source[r.at:]
	switch {
	case strings.HasPrefix(rest, "<!--"):
		if n := strings.Index(rest, "-->"); n >= 0 {
			r.at += n + 3
		} else {
			r.at = len(r.source)
		}
		return nil
	case strings.HasPrefix(rest, "<![CDATA["):
		const opening, closing = len("<![CDATA["), len("]]>")
		n := strings.Index(rest, "]]>")
		if n < 0 {
			r.at = len(r.source)
			return fmt.Errorf("unexpected END-OF-INPUT")
		}
		r.at += n + closing
		return r.enter(text, rest[opening:n], start, r.at)
	}
	r.at++
	kind, name := r.word()
	if kind == "'/'" {
		if kind, name = r.word(); kind != wordName {
			return unexpected(kind, "ident")
		}
		if err := r.leaveNamed(name); err != nil {
			return err
		}
		kind, _ = r.word()
		return bracket(kind)
	}
	special := kind
	if special == "'!'" || special == "'?'" {
		kind, name = r.word()
	}
	if kind != wordName {
		return unexpected(kind, "ident or '/'")
	}
	if err := r.enter(tag, name, start, r.at); err != nil {
		return err
	}
	kind, err := r.attributes(special == "'!'")
	if err != nil {
		return err
	}
	if kind == "'/'" {
		r.leave()
		kind, _ = r.word()
	}
	switch special {
	case "'?'":
		if kind != "'?'" {
			return unexpected(kind, "'?'")
		}
		r.leave()
		kind, _ = r.word()
	case "'!'":
		r.leave()
	}
	return bracket(kind)
}

func bracket(kind string) error {
	if kind != "'>'" {
		return unexpected(kind, "'>'")
	}
	return nil
}

// attributes reads those of a tag, and the word that follows them. In a declaration there are texts without names.
func (r *reader) attributes(declaration bool) (string, error) {
	kind, name := r.word()
	for kind == wordName || kind == wordString && declaration {
		start := r.at - len(name)
		next, following := r.word()
		if next != "'='" {
			if kind == wordName && next == wordName {
				if err := r.attribute(name, start, nil); err != nil {
					return "", err
				}
			} else if next != wordName && (next != wordString || !declaration) {
				return next, nil
			}
			kind, name = next, following
			continue
		}
		value, what := r.word()
		if value != wordName && value != wordString {
			return "", unexpected(value, "ident or string")
		}
		if err := r.attribute(name, start, &what); err != nil {
			return "", err
		}
		kind, name = r.word()
	}
	return kind, nil
}

func (r *reader) attribute(name string, start int, value *string) error {
	if err := r.enter(attribute, name, start, r.at); err != nil {
		return err
	}
	if value != nil {
		if err := r.enter(text, *value, r.at-len(*value), r.at); err != nil {
			return err
		}
	}
	r.leave()
	return nil
}
