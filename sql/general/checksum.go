package general

import (
	"hash/crc32"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/tabledef"
)

// checksumTables is CHECKSUM TABLE: the sum of the CRC-32s of all rows, so that it does not depend on their order. The value is ours: MySQL's
// depends on its row format, and two servers are compared by the same server's checksums.
func (s *Session) checksumTables(c *sql.Context, x *execution, list [][2]string) (*Result, error) {
	schema := sql.Schema{{Name: "Table", Type: types.LongText}, {Name: "Checksum", Type: types.Int64, Nullable: true}}
	var out []sql.Row
	for _, t := range list {
		db, err := s.schemaNamed(c, t[0])
		if err != nil {
			return nil, err
		}
		var sum uint32
		err = s.scanAll(c, x, db.name, t[1], true, func(m *tabledef.Table, r sql.Row) error {
			sum += rowChecksum(c, m, r)
			return nil
		})
		if err != nil {
			if skipMissing(err) != nil {
				return nil, err
			}
			c.Warn(1146, "Table '%s.%s' doesn't exist", db.name, t[1])
			out = append(out, sql.Row{db.name + "." + t[1], nil})
			continue
		}
		out = append(out, sql.Row{db.name + "." + t[1], int64(sum)})
	}
	return s.rowsOf(c, x, schema, out), nil
}

func rowChecksum(c *sql.Context, m *tabledef.Table, r sql.Row) uint32 {
	h := crc32.NewIEEE()
	for i, col := range m.Schema {
		if r[i] == nil {
			_, _ = h.Write([]byte{0}) // a hash never fails
			continue
		}
		_, _ = h.Write(append([]byte{1}, displayValue(c, col.Type, r[i])...))
	}
	return h.Sum32()
}
