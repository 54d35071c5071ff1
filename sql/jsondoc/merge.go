package jsondoc

// MergePatch is JSON_MERGE_PATCH of two values (RFC 7396). Neither of them is changed.
func MergePatch(a, b any) any {
	patch, ok := b.(map[string]any)
	if !ok {
		return b
	}
	target, _ := a.(map[string]any)
	out := make(map[string]any, len(target)+len(patch))
	for name, x := range target {
		out[name] = x
	}
	for name, x := range patch {
		if x == nil {
			delete(out, name)
		} else {
			out[name] = MergePatch(target[name], x)
		}
	}
	return out
}

// MergePreserve is JSON_MERGE_PRESERVE: it joins arrays, and objects by their members; anything else is an array of one.
func MergePreserve(a, b any) any {
	x, objectA := a.(map[string]any)
	y, objectB := b.(map[string]any)
	if objectA && objectB {
		out := make(map[string]any, len(x)+len(y))
		for name, v := range x {
			out[name] = v
		}
		for name, v := range y {
			if have, ok := out[name]; ok {
				v = MergePreserve(have, v)
			}
			out[name] = v
		}
		return out
	}
	var list []any
	for _, v := range []any{a, b} {
		if l, ok := v.([]any); ok {
			list = append(list, l...)
		} else {
			list = append(list, v)
		}
	}
	return list
}
