package extsort

import "bytes"

// Merged gives the pairs of several sorters, each of which has been told to Sort, in one order. Equal keys come in the order of the sorters.
type Merged struct {
	open []front
	last int // whose pair was given, -1: none yet
	from []*Sorter
}

// front is a sorter at its next pair.
type front struct {
	s        *Sorter
	head     uint64
	key, val []byte
}

// Merge returns the pairs of sorters. It does not close them.
func Merge(sorters ...*Sorter) *Merged { return &Merged{from: sorters, last: -1} }

// Next returns the next pair in order, valid until the next call; ok is false after the last.
func (m *Merged) Next() (key, val []byte, ok bool, err error) {
	if m.from != nil {
		for _, s := range m.from {
			if err := m.step(&front{s: s}, -1); err != nil {
				return nil, nil, false, err
			}
		}
		m.from = nil
	} else if m.last >= 0 { // only now: a sorter's pair holds until its next
		if err := m.step(&m.open[m.last], m.last); err != nil {
			return nil, nil, false, err
		}
	}
	m.last = -1
	for i := range m.open {
		if m.last < 0 || m.open[i].before(&m.open[m.last]) {
			m.last = i
		}
	}
	if m.last < 0 {
		return nil, nil, false, nil
	}
	f := &m.open[m.last]
	return f.key, f.val, true, nil
}

// step takes f to its next pair; at is where it stands in m.open, -1: nowhere yet.
func (m *Merged) step(f *front, at int) (err error) {
	var ok bool
	f.key, f.val, ok, err = f.s.Next()
	if err != nil {
		return err
	}
	switch {
	case ok && at < 0:
		f.head = head(f.key)
		m.open = append(m.open, *f)
	case ok:
		f.head = head(f.key)
	case at >= 0:
		m.open = append(m.open[:at], m.open[at+1:]...)
	}
	return nil
}

func (f *front) before(g *front) bool {
	if f.head != g.head {
		return f.head < g.head
	}
	return bytes.Compare(f.key, g.key) < 0
}
