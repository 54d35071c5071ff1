package wire

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Rows is one result, or a sequence of results, being read:
//
//	for {
//		for rs.Next() { use rs.Row() or rs.Values() }
//		if rs.Err() != nil || !rs.NextResult() { break }
//	}
//
// The connection is free for the next command once the last result was read to its end, or after an error.
type Rows struct {
	cl     *Client
	binary bool
	cols   []Column
	row    [][]byte
	values []Param
	open   bool   // rows may follow
	peeked []byte // a row that was read ahead
	result Result
	err    error
}

// head reads the beginning of a result: OK, a request for a file, or columns.
func (rs *Rows) head() error {
	cl := rs.cl
	cl.rows = rs
	rs.cols, rs.open, rs.result = nil, false, Result{}
	p, err := cl.read()
	if err != nil {
		return rs.fail(err)
	}
	switch p[0] {
	case headerOK:
		if rs.result, err = cl.parseOK(p); err != nil {
			return rs.fail(err)
		}
		rs.finish()
		return nil
	case headerLocalInfile:
		if err := rs.sendFile(string(p[1:])); err != nil {
			return rs.fail(err)
		}
		return rs.head()
	}
	c := cursor{b: p}
	n := c.lenenc()
	if c.bad || n > 65535 {
		return rs.fail(errMalformed)
	}
	if rs.cols, err = cl.readColumns(int(n), cl.caps&CapDeprecateEOF == 0); err != nil {
		return rs.fail(err)
	}
	rs.open = cl.status&StatusCursorExists == 0
	if cl.caps&CapDeprecateEOF != 0 {
		rs.open = true
	}
	if !rs.open {
		rs.finish()
	}
	return nil
}

func (rs *Rows) fail(err error) error {
	rs.err, rs.open = err, false
	rs.cl.rows = nil
	return err
}

// finish ends a result; the connection is free unless another one follows.
func (rs *Rows) finish() {
	rs.open = false
	if rs.cl.status&StatusMoreResults == 0 {
		rs.cl.rows = nil
	}
}

// readColumns reads n definitions and, for the older protocol, the EOF behind them.
func (cl *Client) readColumns(n int, eof bool) ([]Column, error) {
	cols := make([]Column, 0, n)
	for range n {
		p, err := cl.read()
		if err != nil {
			return nil, err
		}
		col, err := parseColumn(p)
		if err != nil {
			return nil, err
		}
		cols = append(cols, col)
	}
	if eof && n > 0 {
		p, err := cl.read()
		if err != nil {
			return nil, err
		}
		if p[0] != headerEOF || len(p) != 5 {
			return nil, errMalformed
		}
		cl.status = binary.LittleEndian.Uint16(p[3:])
	}
	return cols, nil
}

func parseColumn(p []byte) (Column, error) {
	c := cursor{b: p}
	c.lenencBytes()
	col := Column{Schema: string(c.lenencBytes()), Table: string(c.lenencBytes()), OrgTable: string(c.lenencBytes()),
		Name: string(c.lenencBytes()), OrgName: string(c.lenencBytes())}
	c.lenenc()
	col.Charset, col.Length = c.u16(), c.u32()
	col.Type, col.Flags, col.Decimals = Type(c.u8()), c.u16(), c.u8()
	c.take(2)
	if len(c.b) > 0 {
		col.Default = string(c.lenencBytes())
	}
	if c.bad {
		return col, errMalformed
	}
	return col, nil
}

// Columns returns the result's columns; none for a statement without rows.
func (rs *Rows) Columns() []Column { return rs.cols }

// Result returns the outcome once the rows were read.
func (rs *Rows) Result() Result { return rs.result }

// Err returns what ended the reading, nil for the regular end.
func (rs *Rows) Err() error { return rs.err }

// Row returns the row at hand of a text result, NULLs as nil, valid until Next.
func (rs *Rows) Row() [][]byte { return rs.row }

// Values returns the row at hand of a prepared statement's result, valid until Next.
func (rs *Rows) Values() []Param { return rs.values }

// Next reads a row; false at the end of the result and on errors.
func (rs *Rows) Next() bool {
	if !rs.open || rs.err != nil {
		return false
	}
	p, err := rs.peeked, error(nil)
	rs.peeked = nil
	if p == nil {
		p, err = rs.cl.read()
	}
	if err != nil {
		_ = rs.fail(err)
		return false
	}
	if p[0] == headerEOF && len(p) < maxPacket {
		if done, err := rs.end(p); done || err != nil {
			if err != nil {
				_ = rs.fail(err)
			}
			return false
		}
	}
	if rs.binary {
		err = rs.binaryRow(p)
	} else {
		err = rs.textRow(p)
	}
	if err != nil {
		_ = rs.fail(err)
		return false
	}
	return true
}

// end recognises the packet behind the last row.
func (rs *Rows) end(p []byte) (bool, error) {
	if rs.cl.caps&CapDeprecateEOF == 0 {
		if len(p) != 5 {
			return false, nil
		}
		rs.result.Warnings = binary.LittleEndian.Uint16(p[1:])
		rs.result.Status = binary.LittleEndian.Uint16(p[3:])
		rs.cl.status = rs.result.Status
	} else {
		var err error
		if rs.result, err = rs.cl.parseOK(p); err != nil {
			return false, err
		}
	}
	rs.finish()
	return true, nil
}

func (rs *Rows) textRow(p []byte) error {
	c := cursor{b: p}
	rs.row = rs.row[:0]
	for range rs.cols {
		if len(c.b) > 0 && c.b[0] == 0xfb {
			c.take(1)
			rs.row = append(rs.row, nil)
			continue
		}
		v := c.lenencBytes()
		if v == nil {
			v = []byte{}
		}
		rs.row = append(rs.row, v)
	}
	if c.bad || len(c.b) > 0 {
		return errMalformed
	}
	return nil
}

func (rs *Rows) binaryRow(p []byte) error {
	c := cursor{b: p}
	c.take(1)
	bitmap := c.take((len(rs.cols) + 9) / 8)
	if c.bad {
		return errMalformed
	}
	rs.values = rs.values[:0]
	for i := range rs.cols {
		col := &rs.cols[i]
		if bit := i + 2; bitmap[bit/8]&(1<<(bit%8)) != 0 {
			rs.values = append(rs.values, Param{Kind: ParamNull, Type: col.Type})
			continue
		}
		t := paramType(col.Type)
		if col.Flags&FlagUnsigned != 0 {
			t |= unsignedParam
		}
		rs.values = append(rs.values, readParam(&c, t))
	}
	if c.bad || len(c.b) > 0 {
		return errMalformed
	}
	return nil
}

// NextResult goes on to the next result of the same command; false when there is none or on errors (see Err).
func (rs *Rows) NextResult() bool {
	for rs.Next() {
	}
	if rs.err != nil || rs.cl.rows != rs {
		return false
	}
	return rs.head() == nil
}

// Discard reads everything that is left and returns the last result's outcome.
func (rs *Rows) Discard() (Result, error) {
	for rs.NextResult() {
	}
	return rs.result, rs.err
}

// sendFile answers a LOAD DATA LOCAL INFILE. A file that cannot be read is sent as an empty one, and the error told after the server's answer.
func (rs *Rows) sendFile(name string) error {
	cl := rs.cl
	if cl.cfg.LocalFile == nil {
		return cl.reply(nil)
	}
	file, err := cl.cfg.LocalFile(name)
	if err != nil {
		if e := cl.reply(nil); e != nil {
			return e
		}
		if e := rs.head(); e != nil {
			return e
		}
		return fmt.Errorf("wire: opening %s for the server: %w", name, err)
	}
	defer file.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := file.Read(buf)
		if n > 0 {
			if e := cl.reply(buf[:n]); e != nil {
				return e
			}
		}
		if err == io.EOF {
			return cl.reply(nil)
		}
		if err != nil {
			return fmt.Errorf("wire: reading %s for the server: %w", name, err)
		}
	}
}

// ClientStmt is a prepared statement.
type ClientStmt struct {
	cl     *Client
	id     uint32
	params int
	cols   []Column
}

// Prepare prepares a statement.
func (cl *Client) Prepare(sql string) (*ClientStmt, error) {
	if err := cl.send(comStmtPrepare, []byte(sql)); err != nil {
		return nil, err
	}
	p, err := cl.read()
	if err != nil {
		return nil, err
	}
	c := cursor{b: p[1:]}
	st := &ClientStmt{cl: cl, id: c.u32()}
	ncols := int(c.u16())
	st.params = int(c.u16())
	if c.bad {
		return nil, errMalformed
	}
	eof := cl.caps&CapDeprecateEOF == 0
	if _, err := cl.readColumns(st.params, eof); err != nil {
		return nil, err
	}
	st.cols, err = cl.readColumns(ncols, eof)
	return st, err
}

// Params returns the number of placeholders.
func (st *ClientStmt) Params() int { return st.params }

// Columns returns the columns that the statement announced.
func (st *ClientStmt) Columns() []Column { return st.cols }

// Execute runs the statement. With cursor the rows are left on the server, for Fetch.
func (st *ClientStmt) Execute(cursor bool, params ...Param) (*Rows, error) {
	if len(params) != st.params {
		return nil, fmt.Errorf("wire: statement has %d parameters, got %d", st.params, len(params))
	}
	b := binary.LittleEndian.AppendUint32(nil, st.id)
	flags := byte(0)
	if cursor {
		flags = cursorReadOnly
	}
	attrs := st.cl.caps&CapQueryAttributes != 0
	if attrs {
		flags |= paramCountAvailable
	}
	b = append(b, flags, 1, 0, 0, 0)
	if attrs {
		b = appendLenenc(b, uint64(len(params)))
	}
	if len(params) > 0 {
		b = appendParams(b, params, nil, attrs)
	}
	if err := st.cl.send(comStmtExecute, b); err != nil {
		return nil, err
	}
	rs := &Rows{cl: st.cl, binary: true}
	if err := rs.head(); err != nil {
		return rs, err
	}
	if cursor && st.cl.caps&CapDeprecateEOF != 0 && rs.open {
		// The new protocol tells only behind the columns whether a cursor was opened: by an end without rows.
		rs.peekCursor()
	}
	return rs, nil
}

// peekCursor consumes the end that takes the place of rows when a cursor was opened.
func (rs *Rows) peekCursor() {
	p, err := rs.cl.read()
	if err != nil {
		_ = rs.fail(err)
		return
	}
	if p[0] != headerEOF {
		rs.peeked = p
		return
	}
	if _, err := rs.end(p); err != nil {
		_ = rs.fail(err)
	}
}

// Fetch reads up to n rows of the cursor.
func (st *ClientStmt) Fetch(n uint32) (*Rows, error) {
	b := binary.LittleEndian.AppendUint32(nil, st.id)
	if err := st.cl.send(comStmtFetch, binary.LittleEndian.AppendUint32(b, n)); err != nil {
		return nil, err
	}
	rs := &Rows{cl: st.cl, binary: true, cols: st.cols, open: true}
	st.cl.rows = rs
	return rs, nil
}

// SendLongData sends a piece of a parameter's value ahead of Execute, which is then given any non-NULL value for it.
func (st *ClientStmt) SendLongData(param uint16, piece []byte) error {
	b := binary.LittleEndian.AppendUint32(nil, st.id)
	b = binary.LittleEndian.AppendUint16(b, param)
	return st.cl.send(comStmtSendLongData, append(b, piece...))
}

// Reset drops long data and closes the cursor.
func (st *ClientStmt) Reset() error {
	_, err := st.cl.simple(comStmtReset, binary.LittleEndian.AppendUint32(nil, st.id))
	return err
}

// Close forgets the statement; the server does not answer.
func (st *ClientStmt) Close() error {
	return st.cl.send(comStmtClose, binary.LittleEndian.AppendUint32(nil, st.id))
}

// appendParams appends NULL bitmap, types, names (if named) and values.
func appendParams(b []byte, params []Param, attrs []Attr, named bool) []byte {
	all := make([]Attr, 0, len(params)+len(attrs))
	for i := range params {
		all = append(all, Attr{Value: params[i]})
	}
	all = append(all, attrs...)
	at := len(b)
	b = append(b, make([]byte, (len(all)+7)/8)...)
	b = append(b, 1)
	for i := range all {
		p := &all[i].Value
		if p.Kind == ParamNull {
			b[at+i/8] |= 1 << (i % 8)
		}
		unsigned := byte(0)
		if p.Kind == ParamUint {
			unsigned = 0x80
		}
		b = append(b, byte(p.Type), unsigned)
		if named {
			b = appendLenencString(b, all[i].Name)
		}
	}
	for i := range all {
		b = appendParam(b, &all[i].Value)
	}
	return b
}
