package spill

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"sort"

	"github.com/cespare/xxhash/v2"
	"github.com/dolthub/go-mysql-server/sql"
)

// Table is the build side of a hash join. A small one is a map of rows; past packAt its rows are packed (packed.go), which takes a fifth of the memory; past
// the bound of joins they are sorted by hash in a file with the hash of every few hundred bytes in memory, so that a
// probe is one read. Unlike one that partitions both sides it keeps the order of the probing side, and serves every kind of join.
type Table struct {
	held charge
	rows map[any][]sql.Row
	pack *packed

	sorting *file
	n       uint64
	sorted  *store
	index   []place
	block   []byte

	again []sql.Row // what GetAgain gave
	known bool
	first []sql.Row
}

type place struct {
	hash uint64
	off  int64
}

const (
	// packAt is how much memory the map of rows may take.
	packAt = 1 << 20
	// leastBlock is how many bytes a probe reads of a table in a file, twice as many as often as there are maxBlocks of them.
	leastBlock = 512
	maxBlocks  = 16 << 10
)

// NewTable returns an empty one.
func (a *Account) NewTable() *Table {
	return &Table{held: charge{a: a}, rows: map[any][]sql.Row{}}
}

// Add takes a row under a comparable key.
func (t *Table) Add(c *sql.Context, key any, r sql.Row) error {
	if t.first == nil {
		t.first = []sql.Row{r}
	}
	switch {
	case t.sorting != nil:
		return t.sort(c, hashOf(key), r)
	case t.pack != nil:
		return t.addPacked(c, hashOf(key), r)
	}
	t.rows[key] = append(t.rows[key], r)
	if err := t.held.add(sizeOf(r) + 64); err != nil || t.held.n < min(packAt, t.held.a.Bounds.Join) {
		return err
	}
	t.pack = &packed{}
	for k, list := range t.rows {
		hash := hashOf(k)
		for _, r := range list {
			t.pack.add(hash, r)
		}
	}
	t.rows = nil
	return t.weigh(c)
}

func (t *Table) addPacked(c *sql.Context, hash uint64, r sql.Row) error {
	t.pack.add(hash, r)
	return t.weigh(c)
}

// weigh books what the packed rows take, and has them go to a file when that is too much.
func (t *Table) weigh(c *sql.Context) error {
	size := t.pack.size()
	if size < t.held.a.Bounds.Join {
		return t.held.set(size)
	}
	p := t.pack
	t.pack, t.sorting = nil, t.held.a.newFile(t.held.a.Bounds.Join)
	err := p.each(func(hash uint64, r sql.Row) error { return t.sort(c, hash, r) })
	t.held.close()
	return err
}

func hashOf(key any) uint64 {
	if n, ok := key.(ordinal); ok {
		return uint64(n)
	}
	if s, ok := key.(string); ok {
		return xxhash.Sum64String(s)
	}
	var k codec
	var room [64]byte
	return xxhash.Sum64(k.value(room[:0], key))
}

func (t *Table) sort(c *sql.Context, hash uint64, r sql.Row) error {
	t.n++
	t.sorting.key = appendSeq(appendSeq(t.sorting.key[:0], hash), t.n)
	return t.sorting.add(c, t.sorting.key, r)
}

// End ends the adding.
func (t *Table) End(c *sql.Context) error {
	if t.sorting == nil {
		return nil
	}
	if err := t.sorting.sort(); err != nil {
		return err
	}
	t.sorted = &store{a: t.held.a, codec: t.sorting.codec}
	next, block := int64(0), int64(leastBlock)
	for {
		key, r, err := t.sorting.next(c)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		hash := binary.BigEndian.Uint64(key)
		if t.sorted.size >= next {
			if len(t.index) == maxBlocks { // twice as large ones
				for i := range maxBlocks / 2 {
					t.index[i] = t.index[2*i]
				}
				t.index, block = t.index[:maxBlocks/2], 2*block
			}
			t.index = append(t.index, place{hash, t.sorted.size})
			next = t.sorted.size + block
		}
		if err := t.sorted.add(append(sql.Row{hash}, r...)); err != nil {
			return err
		}
	}
	err := errors.Join(t.sorting.close(), t.sorted.flush())
	if err == nil {
		err = t.held.set(len(t.index)*16 + t.sorted.codec.held + 2*int(block))
	}
	return err
}

// Get returns the rows of a key, perhaps with some of other keys that hash alike.
func (t *Table) Get(key any) ([]sql.Row, error) {
	if t.rows != nil {
		return t.rows[key], nil
	}
	hash := hashOf(key)
	if t.pack != nil {
		return t.pack.get(hash)
	}
	i := sort.Search(len(t.index), func(i int) bool { return t.index[i].hash >= hash })
	var out []sql.Row
	for i = max(i-1, 0); i < len(t.index) && t.index[i].hash <= hash; i++ {
		err := t.read(i, func(h uint64, row []byte) (bool, error) {
			if h < hash {
				return true, nil
			}
			if h > hash {
				return false, nil
			}
			r, err := t.sorted.codec.row(row)
			if err == nil {
				out = append(out, r[1:])
			}
			return true, err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Some gives the rows of Get one by one, in any order, for those who mostly want the first only.
func (t *Table) Some(key any) (sql.RowIter, error) {
	if t.pack != nil {
		return t.pack.chain(hashOf(key)), nil
	}
	rows, err := t.Get(key)
	return sql.RowsToRowIter(rows...), err
}

// GetAgain is Get for a key that is asked for with every probe, always the same one.
func (t *Table) GetAgain(key any) ([]sql.Row, error) {
	if t.known {
		return t.again, nil
	}
	rows, err := t.Get(key)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if err := t.held.add(sizeOf(r)); err != nil {
			return nil, err
		}
	}
	t.again, t.known = rows, true
	return rows, nil
}

// First returns the row that was added first, if there is one.
func (t *Table) First() []sql.Row { return t.first }

// read walks the rows of a block for as long as fn says.
func (t *Table) read(i int, fn func(hash uint64, row []byte) (bool, error)) error {
	end := t.sorted.size
	if i+1 < len(t.index) {
		end = t.index[i+1].off
	}
	n := int(end - t.index[i].off)
	t.block = slices.Grow(t.block[:0], n)[:n]
	if _, err := t.sorted.f.ReadAt(t.block, t.index[i].off); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for b := t.block; len(b) > 0; {
		n, k := binary.Uvarint(b)
		if k <= 0 || n > uint64(len(b)-k) {
			return errForm(b)
		}
		row := b[k : k+int(n)]
		b = b[k+int(n):]
		head := reader{b: row}
		head.uvarint() // of the number of values
		hash, ok := head.value().(uint64)
		if !ok {
			return errForm(row)
		}
		more, err := fn(hash, row)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// Close gives memory and files back.
func (t *Table) Close() error {
	t.rows, t.pack, t.index, t.block, t.again, t.first = nil, nil, nil, nil, nil, nil
	t.held.close()
	return errors.Join(t.sorting.close(), t.sorted.close())
}
