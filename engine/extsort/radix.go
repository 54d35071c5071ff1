package extsort

import "slices"

// restCompares is how many comparisons a sorter makes before it may rest.
const restCompares = 4096

// radixFrom is from how many items on they are dealt out by the bytes of their heads: a pass over all takes about as long as a comparison or two of each.
const radixFrom = 1 << 10

// sortItems sorts items by their heads, then by compare, and keeps the order of those that are equal. spare is room; it returns the sorted items, and the
// array that they are not in. rest, unless nil, is called now and then.
func sortItems(items, spare []item, compare func(a, b item) int, rest func()) (sorted, unused []item) {
	compared := 0
	full := func(a, b item) int {
		if compared++; compared%restCompares == 0 && rest != nil {
			rest()
		}
		if c := compare(a, b); c != 0 {
			return c
		}
		return int(int64(a.off) - int64(b.off))
	}
	if len(items) < radixFrom {
		slices.SortFunc(items, full)
		return items, spare
	}
	spare = slices.Grow(spare[:0], len(items))[:len(items)]
	differ := uint64(0) // bits
	for i := range items {
		differ |= items[i].head ^ items[0].head
	}
	for shift := 0; shift < 64; shift += 8 {
		if differ>>shift&0xff != 0 {
			deal(spare, items, shift)
			items, spare = spare, items
			if rest != nil {
				rest()
			}
		}
	}
	for i := 0; i < len(items); { // heads that are equal
		j := i + 1
		for j < len(items) && items[j].head == items[i].head {
			j++
		}
		if j > i+1 {
			slices.SortFunc(items[i:j], full)
		}
		i = j
	}
	return items, spare
}

// deal copies items in the order of one byte of their heads.
func deal(to, from []item, shift int) {
	var at [256]int
	for i := range from {
		at[from[i].head>>shift&0xff]++
	}
	sum := 0
	for i, n := range at {
		at[i], sum = sum, sum+n
	}
	for i := range from {
		b := from[i].head >> shift & 0xff
		to[at[b]] = from[i]
		at[b]++
	}
}
