package fastlane

import (
	"bytes"

	"github.com/zoryadb/zorya/engine/row"
)

// compare compares a value that is not NULL with a constant.
func (x *exec) compare(k *colKind, d *row.Datum, slot int) int {
	v := &x.vals[slot]
	switch k.form {
	case formString:
		if bytes.Equal(d.B, v.d.B) {
			return 0
		}
		if v.compared > memoFrom && bytes.Equal(d.B, v.last) {
			return v.result
		}
		if v.key == nil {
			v.key = x.ownKey(k, &v.d)
		}
		x.key = k.appendKey(x.key[:0], d)
		v.result = bytes.Compare(x.key, v.key)
		if v.compared++; v.compared >= memoFrom {
			v.last = append(v.last[:0], d.B...)
		}
		return v.result
	default:
		return compareSame(k, d, &v.d)
	}
}

// compareSame compares two values of one form that are not strings.
func compareSame(k *colKind, a, b *row.Datum) int {
	switch k.form {
	case formDecimal:
		return bytes.Compare(a.B, b.B)
	case formUint, formEnum:
		switch {
		case a.N < b.N:
			return -1
		case a.N > b.N:
			return 1
		}
		return 0
	}
	switch {
	case a.Int() < b.Int():
		return -1
	case a.Int() > b.Int():
		return 1
	}
	return 0
}

// ownKey makes a sort key that lasts as long as the execution.
func (x *exec) ownKey(k *colKind, d *row.Datum) []byte {
	at := len(x.bytes)
	x.bytes = k.appendKey(x.bytes, d)
	return x.bytes[at:len(x.bytes):len(x.bytes)]
}

// holds reports whether a condition is true for the current rows. Unknown is not true; no condition negates another (not.go).
func (x *exec) holds(c *predicate) bool {
	if c.cmp == cmpOr {
		for _, all := range c.any {
			if x.allHold(all) {
				return true
			}
		}
		return false
	}
	if c.cmp == cmpExists || c.cmp == cmpNotExists {
		return x.met[c.list] == (c.cmp == cmpExists)
	}
	d := &x.rows[c.at.t][c.at.c]
	switch {
	case c.cmp == cmpNull:
		return d.Null
	case d.Null:
		return false
	case c.cmp == cmpNotNull:
		return true
	case c.cmp == cmpIn || c.cmp == cmpNotIn:
		return x.member(c)
	case c.cmp == cmpBytes:
		return bytes.Equal(d.B, x.q.Args[c.arg].B)
	case c.cmp == cmpLike || c.cmp == cmpNotLike:
		return x.alike(c.like, d) == (c.cmp == cmpLike)
	}
	k := x.p.kind(c.at)
	n := 0
	if c.other.t >= 0 {
		o := &x.rows[c.other.t][c.other.c]
		if o.Null {
			return false
		}
		if k.form == formString {
			x.key = k.appendKey(x.key[:0], d)
			at := len(x.key)
			x.key = k.appendKey(x.key, o)
			n = bytes.Compare(x.key[:at], x.key[at:])
		} else {
			n = compareSame(k, d, o)
		}
	} else {
		n = x.compare(k, d, c.x)
	}
	switch c.cmp {
	case cmpEQ:
		return n == 0
	case cmpNE:
		return n != 0
	case cmpLT:
		return n < 0
	case cmpLE:
		return n <= 0
	case cmpGT:
		return n > 0
	case cmpGE:
		return n >= 0
	case cmpBetween:
		return n >= 0 && x.compare(k, d, c.y) <= 0
	}
	return false
}

func (x *exec) member(c *predicate) bool {
	x.key = x.p.kind(c.at).appendKey(x.key[:0], &x.rows[c.at.t][c.at.c])
	for _, r := range c.more {
		d := &x.rows[r.t][r.c]
		if d.Null {
			return false
		}
		x.key = x.p.kind(r).appendKey(x.key, d)
	}
	return x.lists[c.list].has(x.key) == (c.cmp == cmpIn)
}

func (x *exec) allHold(all []*predicate) bool {
	for _, c := range all {
		if !x.holds(c) {
			return false
		}
	}
	return true
}
