package diff

import "strings"

// verb is a statement's first word.
func verb(s string) string {
	w, _, _ := strings.Cut(s, " ")
	return w
}

// same reports whether two findings look like one bug: the same thing differs, of the same kind of statement, with the same codes.
func same(a, b *Finding) bool {
	return b != nil && a.What == b.What && a.codes == b.codes &&
		verb(a.Case.Steps[len(a.Case.Steps)-1].SQL.String()) == verb(b.Case.Steps[len(b.Case.Steps)-1].SQL.String())
}

// Shrink makes a finding smaller: fewer statements first (halves, quarters, ... single ones), then smaller statements, the
// differing one before the others, as long as run finds the same difference. At most budget runs.
func Shrink(f *Finding, budget int, run func(Case) *Finding) *Finding {
	best := f
	try := func(c Case) bool {
		if budget <= 0 || len(c.Steps) == 0 {
			return false
		}
		budget--
		if got := run(c); same(f, got) {
			best = got
			return true
		}
		return false
	}
	for size := len(best.Case.Steps) / 2; size > 0; size /= 2 {
		for at := len(best.Case.Steps) - 1 - size; at > -size; {
			from := max(at, 0)
			c := best.Case
			c.Steps = append(append([]Step{}, c.Steps[:from]...), c.Steps[at+size:]...)
			try(c)
			at = min(at-size, len(best.Case.Steps)-1-size)
		}
	}
	for again := true; again && budget > 0; {
		again = false
		for i := len(best.Case.Steps) - 1; i >= 0; i-- {
			if i >= len(best.Case.Steps) {
				continue
			}
			c := best.Case
			if c.Steps[i].Prepared {
				c.Steps = append([]Step{}, c.Steps...)
				c.Steps[i].Prepared = false
				try(c)
			}
			for best.Case.Steps[i].SQL.variants(func() bool { return try(best.Case) }) {
				again = true
				if i >= len(best.Case.Steps) {
					break
				}
			}
		}
		for i := len(best.Case.Steps) - 2; i >= 0; i-- {
			c := best.Case
			c.Steps = append(append([]Step{}, c.Steps[:i]...), c.Steps[i+1:]...)
			again = try(c) || again
		}
	}
	return best
}
