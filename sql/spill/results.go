package spill

import "github.com/dolthub/go-mysql-server/sql"

// Results are the rows that a subquery gave, by the values that it depends on. They are for values that come again: where few do nothing is kept.
type Results struct {
	held         charge
	codec        codec
	of           map[string]*Result
	key          []byte
	hits, misses int
	off          bool
}

// Result is one run's.
type Result struct {
	Rows  []sql.Row
	Whole bool // the run was read to its end
}

const (
	// resultsTried are how many runs tell whether values come again, one in resultsAgain of them at least.
	resultsTried = 256
	resultsAgain = 5
	// mostResults is the memory for the results of one subquery.
	mostResults = 4 << 20
)

// NewResults returns none.
func (a *Account) NewResults() *Results {
	return &Results{held: charge{a: a}, of: map[string]*Result{}}
}

// Get looks the values at some places of a row up. keep says that a result that was not found is worth adding under the key.
func (m *Results) Get(r sql.Row, at []int) (result *Result, key string, keep bool) {
	if m.off {
		return nil, "", false
	}
	m.key = m.key[:0]
	for _, i := range at {
		if i >= len(r) {
			return nil, "", false
		}
		m.key = m.codec.value(m.key, r[i])
	}
	if len(m.codec.kept) > 0 { // a value whose bytes are not known
		m.drop()
		return nil, "", false
	}
	if found := m.of[string(m.key)]; found != nil {
		m.hits++
		return found, "", true
	}
	if m.misses++; m.misses%resultsTried == 0 {
		if m.hits < resultsTried/resultsAgain {
			m.drop()
			return nil, "", false
		}
		m.hits = 0
	}
	return nil, string(m.key), m.held.n < mostResults
}

// Add keeps a result.
func (m *Results) Add(key string, r *Result) error {
	if m.off {
		return nil
	}
	n := len(key) + 128
	for _, row := range r.Rows {
		n += sizeOf(row)
	}
	m.of[key] = r
	return m.held.add(n)
}

func (m *Results) drop() {
	m.off, m.of, m.key = true, nil, nil
	m.codec = codec{}
	m.held.close()
}
