// Package quorum owns the arithmetic of durability: which sets of segments make a write durable or
// a recovery sound (Rule), and how acknowledgements become PGCL, VCL and VDL (Tracker).
//
// It is pure: no goroutine, clock, random or I/O, so that storage/sim can drive it. Its invariants:
//   - Every read quorum meets every write quorum (Rule.Check).
//   - VCL is the highest LSN such that every record at or below it is on a write quorum of its own
//     protection group; it is not min(PGCL), and an idle group never holds it back.
//   - VDL is the highest CPL at or below VCL. VCL, VDL and every PGCL only grow.
//
// volume.Client drives it in production; the rules of recovery are in storage/volume/recovery.
package quorum

import (
	"fmt"
	"math/bits"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// MaxMembers bounds the members of a PG, old and new together during a change.
const MaxMembers = 16

// Set is a set of members of a PG, by their index in the membership.
type Set uint16

// Add returns s with member i.
func (s Set) Add(i int) Set { return s | 1<<i }

// Has reports whether member i is in s.
func (s Set) Has(i int) bool { return s>>i&1 != 0 }

// Len is the number of members in s.
func (s Set) Len() int { return bits.OnesCount16(uint16(s)) }

// Rule is the quorum rule of one PG. It is a list of configurations: a write needs every one of
// them, a read any one, so that a change of membership can be a joint step (ABCDEF and ABCDEG).
type Rule struct {
	n       int // members
	full    Set
	configs []config
}

type config struct {
	all, full Set
	q         proto.Quorum
}

// RuleOf returns the rule of a membership. Mutants are for tests; see Mutants.
func RuleOf(m *proto.Membership, mut Mutants) (Rule, error) {
	if len(m.Members) > MaxMembers {
		return Rule{}, fmt.Errorf("membership of %d segments is above the bound of %d", len(m.Members), MaxMembers)
	}
	c := config{q: m.Quorum}
	for i := range m.Members {
		c.all = c.all.Add(i)
		if m.Members[i].Kind == proto.Full {
			c.full = c.full.Add(i)
		}
	}
	if mut.Has(WriteQuorumOf3) {
		c.q.WriteAny = 3
	}
	r := Rule{n: len(m.Members), full: c.full, configs: []config{c}}
	if mut.Has(WriteQuorumOf3) {
		return r, nil
	}
	return r, r.Check()
}

// Joint returns the rule that holds while a PG moves between two configurations over one list of members.
func Joint(a, b Rule) Rule {
	r := Rule{n: max(a.n, b.n), full: a.full | b.full}
	r.configs = append(append(r.configs, a.configs...), b.configs...)
	return r
}

// Members is the number of members.
func (r *Rule) Members() int { return r.n }

// Full is the set of full members.
func (r *Rule) Full() Set { return r.full }

// Write reports whether what all of s hold durably is durable in the PG.
func (r *Rule) Write(s Set) bool {
	for i := range r.configs {
		c := &r.configs[i]
		any := (s & c.all).Len() >= c.q.WriteAny
		full := c.q.WriteFull > 0 && (s&c.full).Len() >= c.q.WriteFull
		if !any && !full {
			return false
		}
	}
	return len(r.configs) > 0
}

// Read reports whether s, fenced and sampled, is enough to recover the PG.
func (r *Rule) Read(s Set) bool {
	for i := range r.configs {
		c := &r.configs[i]
		if (s&c.all).Len() >= c.q.ReadAny && (s&c.full).Len() >= c.q.ReadFull {
			return true
		}
	}
	return false
}

// Point is the highest LSN that a write quorum holds: PGCL by the definition. scl[i] is member i's.
func (r *Rule) Point(scl []page.LSN) (best page.LSN) {
	for _, at := range scl {
		if at <= best {
			continue
		}
		var s Set
		for i, l := range scl {
			if l >= at {
				s = s.Add(i)
			}
		}
		if r.Write(s) {
			best = at
		}
	}
	return best
}

// Check verifies that the rule is safe: no write quorum is disjoint from a read quorum or from another
// write quorum. It tries all subsets: at most 65,536.
func (r *Rule) Check() error {
	if r.n == 0 {
		return fmt.Errorf("quorum rule without members")
	}
	every := Set(1<<r.n - 1)
	if !r.Write(every) || !r.Read(every) {
		return fmt.Errorf("quorum rule over %d members: all of them are not enough", r.n)
	}
	for s := 0; s < 1<<r.n; s++ {
		rest := every &^ Set(s)
		if r.Write(Set(s)) && (r.Write(rest) || r.Read(rest)) {
			return fmt.Errorf("quorum rule over %d members: write quorum %b does not meet every other quorum", r.n, s)
		}
	}
	return nil
}
