package general

import (
	"strings"
	"sync"

	"github.com/zoryadb/zorya/sql/perfschema"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// sysRoutines are the procedures and functions of the schema sys, by kind. They run with the privileges of whoever calls them.
var sysRoutines = sync.OnceValue(func() map[string][]*stored {
	out := map[string][]*stored{}
	for _, r := range perfschema.Routines() {
		o := &stored{Name: r.Name, Definer: "`mysql.sys`@`localhost`", Charset: "utf8mb4", Collation: tabledef.DefaultCollation.Name(), DBCollation: tabledef.DefaultCollation.Name()}
		o.routine(r.Kind, strings.TrimSpace(r.Rest))
		kind := strings.ToLower(r.Kind)
		out[kind] = append(out[kind], o)
	}
	return out
})
