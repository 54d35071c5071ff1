package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Reply answers one command. A connection has one, lent to a Session method for its duration. Its methods return an error when the
// connection is gone (stop working, return it) or when they are called out of order (a bug of the caller).
//
// What is written is buffered and leaves in one write at the command's end, or earlier when about 28 KiB have come together.
type Reply struct {
	c     *Conn
	state replyState
	// more says that the result that ended last announced another one.
	more   bool
	binary bool // rows are encoded in the binary protocol
	track  []byte
	row    rowEncoder
	infile infile
	// colsEOF says that the EOF behind the columns is still owed; it waits for what comes, as a cursor has none.
	colsEOF   bool
	outParams uint16 // StatusPSOutParams while such a result set is sent
}

type replyState uint8

const (
	replyIdle replyState = iota // a result may begin
	replyRows                   // columns were sent; rows and EndRows follow
	replyRow                    // within a row
	replyDone                   // the last result ended
)

var errReplyOrder = errors.New("wire: reply methods were called out of order")

// OK ends a result: the counts and flags that clients see.
type OK struct {
	AffectedRows uint64
	LastInsertID uint64
	Status       uint16 // Status...; StatusMoreResults when another result of the same command follows
	Warnings     uint16
	Info         string // "Rows matched: 1  Changed: 1  Warnings: 0", or ""
}

// reset prepares the reply for the next command.
func (r *Reply) reset(binary bool) {
	r.state, r.more, r.binary = replyIdle, false, binary
	r.row.cols = nil
	r.infile = infile{}
	if cap(r.track) > 1024 && len(r.track) == 0 {
		r.track = nil
	}
}

// begun checks that a result may begin.
func (r *Reply) begun() error {
	if r.state != replyIdle {
		return errReplyOrder
	}
	r.infile.drain()
	return nil
}

// ended notes the end of a result.
func (r *Reply) ended(status uint16) {
	r.more = status&StatusMoreResults != 0
	if r.more {
		r.state = replyIdle
	} else {
		r.state = replyDone
	}
}

// OK answers a statement that has no rows.
func (r *Reply) OK(ok OK) error {
	if err := r.begun(); err != nil {
		return err
	}
	f := &r.c.f
	f.begin()
	f.out = r.appendOK(f.out, headerOK, &ok)
	if err := f.end(); err != nil {
		return err
	}
	r.ended(ok.Status)
	return nil
}

// appendOK appends an OK packet's payload; header is headerOK, or headerEOF when it ends rows.
func (r *Reply) appendOK(b []byte, header byte, ok *OK) []byte {
	status := ok.Status
	tracked := len(r.track) > 0
	if tracked {
		status |= StatusSessionStateChanged
	} else {
		status &^= StatusSessionStateChanged
	}
	b = append(b, header)
	b = appendLenenc(b, ok.AffectedRows)
	b = appendLenenc(b, ok.LastInsertID)
	b = binary.LittleEndian.AppendUint16(b, status)
	b = binary.LittleEndian.AppendUint16(b, ok.Warnings)
	if tracked || ok.Info != "" {
		b = appendLenencString(b, ok.Info)
	}
	if tracked {
		b = appendLenencString(b, r.track)
		r.track = r.track[:0]
	}
	return b
}

// writeEOF ends a list: with an EOF packet or, in the new protocol, an OK packet that looks like one.
func (r *Reply) writeEOF(ok *OK) error {
	f := &r.c.f
	f.begin()
	if r.c.caps&CapDeprecateEOF != 0 {
		f.out = r.appendOK(f.out, headerEOF, ok)
	} else {
		f.out = append(f.out, headerEOF)
		f.out = binary.LittleEndian.AppendUint16(f.out, ok.Warnings)
		f.out = binary.LittleEndian.AppendUint16(f.out, ok.Status&^StatusSessionStateChanged)
	}
	return f.end()
}

// appendError appends an ERR packet's payload. The SQLSTATE is left out before client and server have agreed on the protocol that has it.
func appendError(b []byte, e *mysqlerr.Error, caps uint32) []byte {
	b = append(b, headerERR, byte(e.Code), byte(e.Code>>8))
	if caps&CapProtocol41 != 0 {
		b = append(b, '#')
		b = append(b, (e.State + mysqlerr.UnknownState)[:5]...)
	}
	const bound = 4096 // clients keep 512 bytes, and a message should not cost a large packet
	msg := e.Message
	if len(msg) > bound {
		msg = strings.ToValidUTF8(msg[:bound], "")
	}
	return append(b, msg...)
}

// fail ends the command with an ERR packet, dropping a row that is not complete.
func (r *Reply) fail(err error) error {
	if r.state == replyRow {
		r.c.f.abort()
	}
	r.state, r.more = replyDone, false
	r.track = r.track[:0]
	r.infile.drain()
	f := &r.c.f
	f.begin()
	f.out = appendError(f.out, mysqlerr.From(err), r.c.caps)
	return f.end()
}

// finish makes sure that the command got one complete reply, and sends it.
func (r *Reply) finish(status uint16) error {
	switch {
	case r.state == replyRows || r.state == replyRow:
		if err := r.fail(fmt.Errorf("internal error: a result set was left unfinished")); err != nil {
			return err
		}
	case r.state == replyIdle: // nothing was answered, or a result was announced that never came
		if err := r.OK(OK{Status: status}); err != nil {
			return err
		}
	}
	return r.c.f.flush()
}

// Columns begins a result set; rows and EndRows follow.
func (r *Reply) Columns(cs *ColumnSet) error {
	if err := r.begun(); err != nil {
		return err
	}
	if len(cs.meta) == 0 {
		return fmt.Errorf("wire: a result set without columns")
	}
	f := &r.c.f
	f.begin()
	f.out = appendLenenc(f.out, uint64(len(cs.meta)))
	if err := f.end(); err != nil {
		return err
	}
	if err := f.writeColumns(cs); err != nil {
		return err
	}
	r.rows(cs)
	r.colsEOF = r.c.caps&CapDeprecateEOF == 0
	return nil
}

// OutParams is Columns for the result set of one row that holds a CALL's OUT and INOUT parameters (prepared statements only).
func (r *Reply) OutParams(cs *ColumnSet) error {
	err := r.Columns(cs)
	r.outParams = StatusPSOutParams
	return err
}

// endColumns sends the EOF behind the columns to clients that expect it.
func (r *Reply) endColumns() error {
	r.colsEOF = false
	return r.writeEOF(&OK{Status: r.c.session.Status() | r.outParams})
}

// ContinueRows begins the answer of a Fetch: rows of columns that Execute has announced before.
func (r *Reply) ContinueRows(cs *ColumnSet) error {
	if err := r.begun(); err != nil {
		return err
	}
	r.rows(cs)
	return nil
}

func (r *Reply) rows(cs *ColumnSet) {
	r.state = replyRows
	r.row.cols = cs.meta
	r.colsEOF, r.outParams = false, 0
}

// EndRows ends a result set.
func (r *Reply) EndRows(ok OK) error {
	if r.state != replyRows {
		return errReplyOrder
	}
	if r.colsEOF && ok.Status&StatusCursorExists == 0 { // the announcement of a cursor has one EOF only
		if err := r.endColumns(); err != nil {
			return err
		}
	}
	ok.Status |= r.outParams
	if err := r.writeEOF(&ok); err != nil {
		return err
	}
	r.ended(ok.Status)
	return nil
}

// Prepared answers Prepare: the statement has params placeholders and yields columns cols (nil when it has no result set).
func (r *Reply) Prepared(st *Stmt, params int, cols *ColumnSet, warnings uint16) error {
	if params > 65535 {
		return mysqlerr.New(mysqlerr.ER_PS_MANY_PARAM)
	}
	if err := r.begun(); err != nil {
		return err
	}
	st.params = params
	f := &r.c.f
	f.begin()
	f.out = append(f.out, headerOK)
	f.out = binary.LittleEndian.AppendUint32(f.out, st.id)
	ncols := 0
	if cols != nil {
		ncols = len(cols.meta)
	}
	f.out = binary.LittleEndian.AppendUint16(f.out, uint16(ncols))
	f.out = binary.LittleEndian.AppendUint16(f.out, uint16(params))
	f.out = append(f.out, 0)
	f.out = binary.LittleEndian.AppendUint16(f.out, warnings)
	if err := f.end(); err != nil {
		return err
	}
	status := r.c.session.Status()
	if params > 0 {
		for range params {
			f.begin()
			f.out = append(f.out, paramColumn...)
			if err := f.end(); err != nil {
				return err
			}
		}
		if err := r.listEnd(status); err != nil {
			return err
		}
	}
	if ncols > 0 {
		if err := f.writeColumns(cols); err != nil {
			return err
		}
		if err := r.listEnd(status); err != nil {
			return err
		}
	}
	r.ended(0)
	return nil
}

// paramColumn is the definition that MySQL sends for each placeholder.
var paramColumn = appendColumn(nil, &Column{Name: "?", Charset: CollationBinary, Type: TypeVarString, Flags: FlagBinary}, false)

// listEnd ends a list of definitions, for clients that expect an EOF there.
func (r *Reply) listEnd(status uint16) error {
	if r.c.caps&CapDeprecateEOF != 0 {
		return nil
	}
	return r.writeEOF(&OK{Status: status})
}

// FieldList answers Session.FieldList.
func (r *Reply) FieldList(cols []Column) error {
	if err := r.begun(); err != nil {
		return err
	}
	f := &r.c.f
	for i := range cols {
		f.begin()
		f.out = appendColumn(f.out, &cols[i], true)
		if err := f.end(); err != nil {
			return err
		}
	}
	if err := r.writeEOF(&OK{Status: r.c.session.Status()}); err != nil {
		return err
	}
	r.ended(0)
	return nil
}

// Packet sends one raw packet, for RawCommander; Finish with EndPackets.
func (r *Reply) Packet(payload []byte) error {
	if r.state == replyDone {
		return errReplyOrder
	}
	f := &r.c.f
	f.begin()
	f.out = append(f.out, payload...)
	return f.end()
}

// EndPackets ends a reply made of raw packets.
func (r *Reply) EndPackets() { r.state, r.more = replyDone, false }

// Room reports whether n more bytes of packets can be added before what is buffered is written to the client, which may have to be waited for.
func (r *Reply) Room(n int) bool { return len(r.c.f.out)+n < flushBound }

// Flush sends what is buffered now, e.g. the first rows of a slow statement.
func (r *Reply) Flush() error {
	if r.state == replyRow {
		return errReplyOrder
	}
	return r.c.f.flush()
}
