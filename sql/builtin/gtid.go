package builtin

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/mysql"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// The functions of GTID sets: values alone, since no transaction here has a GTID.

func init() {
	Replaced["gtid_subset"] = valuesFunction("gtid_subset", 2, 2, types.Int64, func(_ *sql.Context, v []any) (any, error) {
		a, b, err := gtidSets(v)
		if err != nil {
			return nil, err
		}
		if b.Contains(a) {
			return int64(1), nil
		}
		return int64(0), nil
	})
	Replaced["gtid_subtract"] = valuesFunction("gtid_subtract", 2, 2, types.LongText, func(_ *sql.Context, v []any) (any, error) {
		a, b, err := gtidSets(v)
		if err != nil {
			return nil, err
		}
		return a.Subtract(b).String(), nil
	})
	Replaced["wait_for_executed_gtid_set"] = valuesFunction("wait_for_executed_gtid_set", 1, 2, types.Int64, func(*sql.Context, []any) (any, error) {
		return nil, mysqlerr.New(mysqlerr.ER_GTID_MODE_OFF, "use WAIT_FOR_EXECUTED_GTID_SET")
	})
}

func gtidSets(v []any) (a, b mysql.Mysql56GTIDSet, err error) {
	var sets [2]mysql.Mysql56GTIDSet
	for i := range sets {
		text, ok := datum.Text(v[i])
		if ok {
			var set mysql.GTIDSet
			set, err = mysql.ParseMysql56GTIDSet(text)
			sets[i], ok = set.(mysql.Mysql56GTIDSet)
		}
		if !ok || err != nil {
			return a, b, mysqlerr.New(mysqlerr.ER_MALFORMED_GTID_SET_SPECIFICATION, text)
		}
	}
	return sets[0], sets[1], nil
}
