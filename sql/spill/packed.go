package spill

import (
	"encoding/binary"
	"io"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
)

// packed is rows by the hash of their key, in the form of temporary files, in memory: chains of entries, one for each bucket, in one piece of bytes.
//
//	entry: 4 bytes place of the entry before it in the chain + 1 (0: none), 8 bytes hash, 4 bytes length, row
//
// Places are 32 bits wide: the bound of joins is far below 4 GiB (join_buffer_size has that as its maximum), and a table goes to a file at maxPacked.
type packed struct {
	codec codec
	bytes []byte
	heads []uint32 // as places in entries; the number is a power of two
	n     int
}

const (
	packedHead = 16
	maxPacked  = 1 << 31
)

// size is the memory that it takes.
func (p *packed) size() int {
	n := cap(p.bytes) + 4*cap(p.heads) + p.codec.held
	if len(p.bytes) >= maxPacked {
		n = int(^uint(0) >> 1)
	}
	return n
}

func (p *packed) add(hash uint64, r sql.Row) {
	if p.n++; p.n > len(p.heads) {
		p.widen()
	}
	at := len(p.bytes)
	head := &p.heads[hash&uint64(len(p.heads)-1)]
	p.bytes = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(p.bytes, *head), hash)
	p.bytes = p.codec.append(append(p.bytes, 0, 0, 0, 0), r)
	binary.LittleEndian.PutUint32(p.bytes[at+12:], uint32(len(p.bytes)-at-packedHead))
	*head = uint32(at + 1)
}

// entry takes the one at a place apart.
func (p *packed) entry(at int) (before uint32, hash uint64, row []byte) {
	e := p.bytes[at:]
	n := binary.LittleEndian.Uint32(e[12:])
	return binary.LittleEndian.Uint32(e), binary.LittleEndian.Uint64(e[4:]), e[packedHead : packedHead+int(n)]
}

// widen doubles the buckets.
func (p *packed) widen() {
	p.heads = make([]uint32, max(1024, 2*len(p.heads)))
	for at := 0; at < len(p.bytes); {
		_, hash, row := p.entry(at)
		head := &p.heads[hash&uint64(len(p.heads)-1)]
		binary.LittleEndian.PutUint32(p.bytes[at:], *head)
		*head = uint32(at + 1)
		at += packedHead + len(row)
	}
}

// get returns the rows of a hash in the order in which they came.
func (p *packed) get(hash uint64) (out []sql.Row, err error) {
	for place := p.heads[hash&uint64(len(p.heads)-1)]; place != 0; {
		before, h, row := p.entry(int(place - 1))
		if place = before; h != hash {
			continue
		}
		r, err := p.codec.row(row)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	slices.Reverse(out)
	return out, nil
}

// chain gives the rows of a hash, those that came last first.
type chain struct {
	p     *packed
	hash  uint64
	place uint32
}

func (p *packed) chain(hash uint64) *chain {
	return &chain{p, hash, p.heads[hash&uint64(len(p.heads)-1)]}
}

func (it *chain) Next(*sql.Context) (sql.Row, error) {
	for it.place != 0 {
		before, hash, row := it.p.entry(int(it.place - 1))
		if it.place = before; hash == it.hash {
			return it.p.codec.row(row)
		}
	}
	return nil, io.EOF
}

func (it *chain) Close(*sql.Context) error { return nil }

// each walks the rows in the order in which they came.
func (p *packed) each(fn func(hash uint64, r sql.Row) error) error {
	for at := 0; at < len(p.bytes); {
		_, hash, row := p.entry(at)
		r, err := p.codec.row(row)
		if err == nil {
			err = fn(hash, r)
		}
		if err != nil {
			return err
		}
		at += packedHead + len(row)
	}
	return nil
}
