package session

import (
	"fmt"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/encodings"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/temporal"
	"github.com/zoryadb/zorya/sql/wire"
)

// wireColumn describes a general-lane column to the wire.
func wireColumn(c *general.Column) wire.Column {
	return wire.Column{
		Schema: c.Schema, Table: c.Table, OrgTable: c.OrgTable, Name: c.Name, OrgName: c.OrgName,
		Charset: c.Charset, Length: c.Length, Type: wire.Type(c.Type), Flags: c.Flags, Decimals: c.Decimals,
	}
}

func columnSet(cols []general.Column) *wire.ColumnSet {
	w := make([]wire.Column, len(cols))
	for i := range cols {
		w[i] = wireColumn(&cols[i])
	}
	return wire.NewColumnSet(w...)
}

// rowEncoder sends rows of GMS values.
type rowEncoder struct {
	cols []general.Column
	enc  []encodings.Encoder // of columns that are not sent as UTF-8
	set  *wire.ColumnSet
	ctx  *sql.Context // for types that encode themselves
}

func newRowEncoder(cols []general.Column) *rowEncoder {
	e := &rowEncoder{cols: cols, set: columnSet(cols)}
	for i := range cols {
		if cs := sql.CollationID(cols[i].Charset).CharacterSet(); needsDecoding(cs) {
			if e.enc == nil {
				e.enc = make([]encodings.Encoder, len(cols))
			}
			e.enc[i] = cs.Encoder()
		}
	}
	return e
}

func (e *rowEncoder) send(r *wire.Reply, row sql.Row) error {
	r.StartRow()
	for i := range e.cols {
		if err := e.value(r, i, row[i]); err != nil {
			return err
		}
	}
	return r.EndRow()
}

// value appends one value. Plain numbers and strings go straight into the buffer; types with a form of their own
// (ENUM, SET, BIT, YEAR, JSON, DECIMAL ...) go through the library's own text form, so that there is one.
func (e *rowEncoder) value(r *wire.Reply, i int, v any) error {
	c := &e.cols[i]
	if v == nil {
		r.Null()
		return nil
	}
	switch wire.Type(c.Type) {
	case wire.TypeTiny, wire.TypeShort, wire.TypeInt24, wire.TypeLong, wire.TypeLongLong:
		switch v := v.(type) {
		case int8:
			r.Int64(int64(v))
			return nil
		case int16:
			r.Int64(int64(v))
			return nil
		case int32:
			r.Int64(int64(v))
			return nil
		case int64:
			r.Int64(v)
			return nil
		case uint8:
			r.Uint64(uint64(v))
			return nil
		case uint16:
			r.Uint64(uint64(v))
			return nil
		case uint32:
			r.Uint64(uint64(v))
			return nil
		case uint64:
			r.Uint64(v)
			return nil
		}
	case wire.TypeDouble:
		if v, ok := v.(float64); ok && c.Flags&wire.FlagZerofill == 0 {
			r.Float64(v)
			return nil
		}
	case wire.TypeFloat:
		if v, ok := v.(float32); ok && c.Flags&wire.FlagZerofill == 0 {
			r.Float32(v)
			return nil
		}
	case wire.TypeDate, wire.TypeDateTime, wire.TypeTimestamp:
		if v, ok := v.(time.Time); ok {
			d := temporal.OfHeld(v)
			r.DateTime(wire.DateTime{Year: uint16(d.Year), Month: uint8(d.Month), Day: uint8(d.Day), Hour: uint8(d.Hour), Minute: uint8(d.Minute), Second: uint8(d.Second),
				Micro: uint32(d.Micro)})
			return nil
		}
	}
	if e.ctx == nil {
		e.ctx = sql.NewEmptyContext()
	}
	out, err := c.SQLType.SQL(e.ctx, nil, v)
	if err != nil {
		return fmt.Errorf("encoding column %s: %w", c.Name, err)
	}
	if out.IsNull() {
		r.Null()
		return nil
	}
	raw := out.Raw()
	if e.enc != nil && e.enc[i] != nil && !ascii(raw) {
		if b, ok := e.enc[i].Encode(raw); ok {
			raw = b
		}
	}
	r.Bytes(raw)
	return nil
}

// laneParams converts the values of placeholders into what the general lane takes.
func (s *Session) laneParams(params []wire.Param) ([]any, error) {
	out := make([]any, len(params))
	for i := range params {
		p := &params[i]
		switch p.Kind {
		case wire.ParamNull:
		case wire.ParamInt:
			out[i] = p.Int()
		case wire.ParamUint:
			out[i] = p.Uint()
		case wire.ParamFloat:
			out[i] = p.Float()
		case wire.ParamDecimal:
			d, _, err := apd.NewFromString(string(p.Bytes()))
			if err != nil {
				return nil, mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, "mysqld_stmt_execute").Because(err)
			}
			out[i] = d
		case wire.ParamString:
			out[i] = string(s.decode(p.Bytes()))
		case wire.ParamBytes:
			out[i] = append([]byte{}, p.Bytes()...)
		case wire.ParamDate, wire.ParamDateTime:
			d := p.DateTime()
			v := temporal.Value{Year: int(d.Year), Month: int(d.Month), Day: int(d.Day), Hour: int(d.Hour), Minute: int(d.Minute), Second: int(d.Second), Micro: int(d.Micro)}
			out[i] = v.Held()
		case wire.ParamTime:
			t := p.Time()
			us := ((int64(t.Hour)*60+int64(t.Minute))*60+int64(t.Second))*1e6 + int64(t.Micro)
			if t.Neg {
				us = -us
			}
			out[i] = types.Timespan(us)
		}
	}
	return out, nil
}
