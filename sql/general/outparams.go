package general

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// outParams are the values of OUT and INOUT parameters of a prepared CALL whose arguments are placeholders, by position. The
// binary protocol hands them to the client as a row behind the procedure's results.
type outParams map[int]any

// outResult is that row. The procedure has just run.
func (s *Session) outResult(c *sql.Context, x *execution, n *sqlparser.Call, outs outParams) (*Result, error) {
	schema := n.ProcName.Qualifier.String()
	if schema == "" {
		schema = s.gms.GetCurrentDatabase()
	}
	o, err := s.e.object(c, kindProcedure, schema, n.ProcName.Name.String())
	if err != nil {
		return nil, err
	}
	if o == nil { // it has dropped itself
		return nil, mysqlerr.NewMessage(mysqlerr.ER_SP_DOES_NOT_EXIST, "PROCEDURE %s.%s does not exist", schema, n.ProcName.Name.String())
	}
	p, err := s.programOf(c, o)
	if err != nil {
		return nil, err
	}
	var cols sql.Schema
	var row sql.Row
	for i, a := range p.params {
		v, ok := outs[i]
		if !ok {
			continue
		}
		t := p.declared(i).Type
		if v != nil {
			if v, _, err = datum.Ordered(t).Convert(c, v); err != nil {
				return nil, err
			}
		}
		cols, row = append(cols, &sql.Column{Name: a.Name, Type: t, Nullable: true}), append(row, v)
	}
	res := s.rowsOf(c, x, cols, []sql.Row{row})
	res.OutParams = true
	return res, nil
}
