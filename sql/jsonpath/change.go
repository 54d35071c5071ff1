package jsonpath

import (
	"maps"
	"slices"
)

// A Change is what is done at a place of a document.
type Change uint8

// The changes, by the functions that make them.
const (
	Set         Change = iota // JSON_SET: the value is put there, whether or not there is one
	Insert                    // JSON_INSERT: only where there is none
	Replace                   // JSON_REPLACE: only where there is one
	Remove                    // JSON_REMOVE
	ArrayAppend               // JSON_ARRAY_APPEND: behind the elements of the array that is there; what is none becomes the first element of one
	ArrayInsert               // JSON_ARRAY_INSERT: before the element that is there
)

// EndsInCell reports whether the last leg of the path is an element of an array.
func (p *Path) EndsInCell() bool { return len(p.legs) > 0 && p.legs[len(p.legs)-1].kind == cell }

// Change gives a document changed at the place of a path that has neither wildcards nor ranges. doc itself stays as it is; the result shares with it what did not change.
func (p *Path) Change(doc any, how Change, v any) any {
	out, _ := change(p.legs, doc, how, v)
	return out
}

func change(legs []leg, doc any, how Change, v any) (out any, changed bool) {
	if len(legs) == 0 {
		switch how {
		case Set, Replace:
			return v, true
		case ArrayAppend:
			if a, ok := doc.([]any); ok {
				return append(slices.Clip(a), v), true
			}
			return []any{doc, v}, true
		}
		return doc, false
	}
	if legs[0].kind == member {
		return changeMember(legs, doc, how, v)
	}
	if a, ok := doc.([]any); ok {
		return changeCell(legs, a, how, v)
	}
	switch i := legs[0].from.in(1); {
	case i == 0 && len(legs) == 1 && (how == Remove || how == ArrayInsert):
	case i == 0: // what is no array is the only element of one
		return change(legs[1:], doc, how, v)
	case len(legs) == 1 && (how == Set || how == Insert) && i < 0:
		return []any{v, doc}, true
	case len(legs) == 1 && (how == Set || how == Insert):
		return []any{doc, v}, true
	}
	return doc, false
}

func changeMember(legs []leg, doc any, how Change, v any) (any, bool) {
	name, last := legs[0].name, len(legs) == 1
	o, ok := doc.(map[string]any)
	if !ok {
		return doc, false
	}
	x, found := o[name]
	switch {
	case !found && (!last || how != Set && how != Insert):
		return doc, false
	case found && last && how == Remove:
		o = maps.Clone(o)
		delete(o, name)
		return o, true
	case found:
		changed := false
		if v, changed = change(legs[1:], x, how, v); !changed {
			return doc, false
		}
	}
	if o = maps.Clone(o); o == nil {
		o = map[string]any{}
	}
	o[name] = v
	return o, true
}

func changeCell(legs []leg, a []any, how Change, v any) (any, bool) {
	i, last := legs[0].from.in(len(a)), len(legs) == 1
	at := min(max(i, 0), len(a))
	switch {
	case last && how == ArrayInsert:
		return slices.Insert(slices.Clone(a), at, v), true
	case i < 0 || i >= len(a):
		if last && (how == Set || how == Insert) {
			return slices.Insert(slices.Clone(a), at, v), true
		}
		return a, false
	case last && how == Remove:
		return slices.Delete(slices.Clone(a), i, i+1), true
	}
	x, changed := change(legs[1:], a[i], how, v)
	if !changed {
		return a, false
	}
	a = slices.Clone(a)
	a[i] = x
	return a, true
}
