package diff

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/wire"
)

// Conn is a session on a server.
type Conn interface {
	// Exec runs one statement. If the connection breaks, the outcome says so and the Conn is of no more use.
	Exec(text string) Outcome
	// Prepared runs one as a prepared statement; params are those of a Node.
	Prepared(text string, params []any) Outcome
	// Reset makes it a fresh session (COM_RESET_CONNECTION).
	Reset() error
	Close() error
}

// Dial opens sessions on one server.
type Dial func() (Conn, error)

// statementLimit bounds one statement; lockstep means that nothing waits for a lock.
const statementLimit = 30 * time.Second

// Wire dials a server with this project's own client, which hides nothing of what was sent.
func Wire(cfg wire.ClientConfig) Dial {
	return func() (Conn, error) {
		ctx, cancel := context.WithTimeout(context.Background(), statementLimit)
		defer cancel()
		cl, err := wire.Dial(ctx, cfg)
		if err != nil {
			return nil, err
		}
		return &wireConn{cl}, nil
	}
}

type wireConn struct{ cl *wire.Client }

func (c *wireConn) Reset() error { return c.cl.Reset() }
func (c *wireConn) Close() error { return c.cl.Close() }

func (c *wireConn) Exec(text string) Outcome {
	defer time.AfterFunc(statementLimit, func() { _ = c.cl.Abort() }).Stop()
	rs, err := c.cl.Query(text)
	return c.withWarnings(read(rs, err))
}

func (c *wireConn) Prepared(text string, params []any) Outcome {
	defer time.AfterFunc(statementLimit, func() { _ = c.cl.Abort() }).Stop()
	st, err := c.cl.Prepare(text)
	if err != nil {
		o, _ := read(nil, err)
		return o
	}
	values := make([]wire.Param, len(params))
	for i, p := range params {
		switch p := p.(type) {
		case int64:
			values[i] = wire.IntParam(p)
		case float64:
			values[i] = wire.FloatParam(p)
		case string:
			values[i] = wire.StringParam(p)
		case wire.DateTime:
			values[i] = wire.DateTimeParam(p)
		default:
			values[i] = wire.NullParam()
		}
	}
	rs, err := st.Execute(false, values...)
	o := c.withWarnings(read(rs, err))
	if o.Code >= 0 {
		_ = st.Close()
	}
	return o
}

// withWarnings asks for the warnings if there are any.
func (c *wireConn) withWarnings(o Outcome, warnings int) Outcome {
	if warnings == 0 || o.Code != 0 {
		return o
	}
	rs, err := c.cl.Query("SHOW WARNINGS")
	w, _ := read(rs, err)
	if w.Code < 0 {
		return w
	}
	for _, r := range w.Rows {
		cells := strings.SplitN(r, "|", 3)
		if len(cells) == 3 {
			o.Warnings = append(o.Warnings, bare(cells[0])+" "+bare(cells[1]))
			o.Said = append(o.Said, bare(cells[2]))
		}
	}
	return o
}

// bare is a cell that is not NULL, without textRow's quotes.
func bare(cell string) string { return cell[1 : len(cell)-1] }

// read drains a result into an Outcome and the number of warnings.
func read(rs *wire.Rows, err error) (Outcome, int) {
	var o Outcome
	if err == nil {
		o.IsRows = len(rs.Columns()) > 0
		for _, c := range rs.Columns() {
			o.Columns = append(o.Columns, c.Name)
		}
		for rs.Next() {
			if cells := rs.Row(); len(cells) > 0 {
				o.Rows = append(o.Rows, textRow(cells))
			} else {
				o.Rows = append(o.Rows, binaryRow(rs.Columns(), rs.Values()))
			}
		}
		err = rs.Err()
	}
	var e *mysqlerr.Error
	switch {
	case errors.As(err, &e):
		return Outcome{Code: int(e.Code), State: e.State, Message: e.Message}, 0
	case err != nil:
		return Outcome{Code: -1, Message: err.Error()}, 0
	}
	res := rs.Result()
	if !o.IsRows {
		o.Affected, o.InsertID = res.AffectedRows, res.LastInsertID
	}
	return o, int(res.Warnings)
}

func textRow(cells [][]byte) string {
	var b strings.Builder
	for i, c := range cells {
		if i > 0 {
			b.WriteByte('|')
		}
		if c == nil {
			b.WriteString("NULL")
		} else {
			b.WriteString("'" + string(c) + "'")
		}
	}
	return b.String()
}

// fraction is the digits of a second that the text protocol would show.
func fraction(micro uint32, digits uint8) string {
	if digits == 0 || digits > 6 {
		if micro == 0 {
			return ""
		}
		digits = 6
	}
	return "." + fmt.Sprintf("%06d", micro)[:digits]
}

// binaryRow is a row of a prepared statement, as the text protocol would have it.
func binaryRow(cols []wire.Column, values []wire.Param) string {
	var b strings.Builder
	for i := range values {
		v := &values[i]
		if i > 0 {
			b.WriteByte('|')
		}
		if v.Kind == wire.ParamNull {
			b.WriteString("NULL")
			continue
		}
		b.WriteByte('\'')
		switch v.Kind {
		case wire.ParamInt:
			b.WriteString(strconv.FormatInt(v.Int(), 10))
		case wire.ParamUint:
			b.WriteString(strconv.FormatUint(v.Uint(), 10))
		case wire.ParamFloat:
			bits := 64
			if cols[i].Type == wire.TypeFloat {
				bits = 32
			}
			b.WriteString(strconv.FormatFloat(v.Float(), 'g', -1, bits))
		case wire.ParamDate, wire.ParamDateTime:
			d := v.DateTime()
			fmt.Fprintf(&b, "%04d-%02d-%02d", d.Year, d.Month, d.Day)
			if cols[i].Type != wire.TypeDate {
				fmt.Fprintf(&b, " %02d:%02d:%02d%s", d.Hour, d.Minute, d.Second, fraction(d.Micro, cols[i].Decimals))
			}
		case wire.ParamTime:
			t := v.Time()
			if t.Neg {
				b.WriteByte('-')
			}
			fmt.Fprintf(&b, "%02d:%02d:%02d%s", t.Hour, t.Minute, t.Second, fraction(t.Micro, cols[i].Decimals))
		default:
			b.Write(v.Bytes())
		}
		b.WriteByte('\'')
	}
	return b.String()
}
