package fastlane

// not parses what stands behind NOT: a condition, or several in parentheses.
func (p *parser) not(to *[]*condition) bool {
	if p.depth++; p.depth > maxNesting {
		return false
	}
	defer func() { p.depth-- }()
	var all []*condition
	if !p.condition(&all) {
		return false
	}
	all, ok := negated(all)
	*to = append(*to, all...)
	return ok
}

// negations are the comparisons that are true where others are false, and unknown where they are.
var negations = map[compare]compare{cmpEQ: cmpNE, cmpNE: cmpEQ, cmpLT: cmpGE, cmpGE: cmpLT, cmpLE: cmpGT, cmpGT: cmpLE, cmpIn: cmpNotIn, cmpNotIn: cmpIn,
	cmpNull: cmpNotNull, cmpNotNull: cmpNull, cmpLike: cmpNotLike, cmpNotLike: cmpLike,
	cmpExists: cmpNotExists, cmpNotExists: cmpExists}

// negated is the negation of a conjunction, as a conjunction: by De Morgan's laws, which hold with unknown, too.
func negated(all []*condition) ([]*condition, bool) {
	if len(all) == 1 {
		return all[0].negated()
	}
	or := &condition{cmp: cmpOr}
	for _, c := range all {
		n, ok := c.negated()
		if !ok {
			return nil, false
		}
		or.any = append(or.any, n)
	}
	return []*condition{or}, len(all) > 0
}

func (c *condition) negated() (out []*condition, ok bool) {
	switch c.cmp {
	case cmpOr:
		for _, all := range c.any {
			n, ok := negated(all)
			if !ok {
				return nil, false
			}
			out = append(out, n...)
		}
		return out, true
	case cmpBetween:
		below, above := *c, *c
		below.cmp, below.y = cmpLT, nil
		above.cmp, above.x, above.y = cmpGT, c.y, nil
		return []*condition{{cmp: cmpOr, any: [][]*condition{{&below}, {&above}}}}, true
	}
	n := *c
	n.cmp, ok = negations[c.cmp]
	return []*condition{&n}, ok && len(c.columns) <= 1 // a tuple with NULL in it may yet differ
}
