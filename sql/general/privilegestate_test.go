package general

import (
	"testing"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"
)

// A number stands for what one holder may do: it changes with every privilege, at whatever level, and with nothing else.
func TestPrivilegeStates(t *testing.T) {
	var p privilegeStates
	app := privilegeHolder{user: "app", host: "%"}
	set := mysql_db.NewPrivilegeSet()
	last := p.number(app, set)
	if other := p.number(privilegeHolder{user: "app", host: "localhost"}, set); other == last {
		t.Error("two accounts have one number")
	}
	for i, change := range []func(){
		func() { set.AddGlobalStatic(sql.PrivilegeType_Select) }, func() { set.AddGlobalDynamic(false, "BACKUP_ADMIN") }, func() { set.AddDatabase("d", sql.PrivilegeType_Select) },
		func() { set.AddTable("d", "t", sql.PrivilegeType_Insert) }, func() { set.AddColumn("d", "u", "c", sql.PrivilegeType_Update) },
		func() { set.AddRoutine("d", "f", false, sql.PrivilegeType_Execute) }, func() { set.RemoveDatabase("d", sql.PrivilegeType_Select) },
		func() { set.RemoveRoutine("d", "f", false, sql.PrivilegeType_Execute) }, func() { set.RemoveGlobalStatic(sql.PrivilegeType_Select) },
	} {
		if p.number(app, set) != last {
			t.Errorf("before change %d: another number for the same privileges", i)
		}
		change()
		now := p.number(app, set)
		if now == last {
			t.Errorf("change %d: the number stays", i)
		}
		last = now
	}
}
