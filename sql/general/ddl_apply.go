package general

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/field"
	"github.com/zoryadb/zorya/sql/fulltext"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
	"github.com/zoryadb/zorya/sql/tabledef"
	"github.com/zoryadb/zorya/sql/temporal"
)

// apply analyses the edited tree and changes the table.
func (a *alteration) apply(c *sql.Context, x *execution, old *table.Def) (*Result, error) {
	ddl := &sqlparser.DDL{Action: sqlparser.CreateStr, TableSpec: a.spec, Auth: sqlparser.AuthInformation{AuthType: sqlparser.AuthType_IGNORE},
		Table: sqlparser.TableName{Name: sqlparser.NewTableIdent(a.tempName()), DbQualifier: sqlparser.NewTableIdent(a.userSchema())}}
	d, err := a.s.analyzeTable(c, x, ddl, old.Schema, old.Name)
	if err != nil {
		return nil, err
	}
	sources := a.sources(d)
	for i := range d.Columns { // a column keeps its id and what older rows have for it
		if sources[i] >= 0 {
			d.Columns[i].ID, d.Columns[i].Instant = old.Columns[sources[i]].ID, old.Columns[sources[i]].Instant
		}
	}
	a.autoInc = d.AutoInc >= 0
	d.ID, d.Created, d.ReferBy, d.Triggers = old.ID, old.Created, old.ReferBy, old.Triggers
	plan, err := a.compare(c, d, sources)
	if err != nil {
		return nil, err
	}
	fks, err := a.newForeignKeys(c, d)
	if err != nil {
		return nil, err
	}
	var res *Result
	if len(fks) > 0 {
		res, err = a.runWithForeignKeys(c, x, old, d, sources, plan, fks)
	} else {
		res, err = a.run(c, old, d, sources, plan)
	}
	if err != nil {
		return nil, fkTaken(d, err)
	}
	warnDuplicateIndexes(c, d, old)
	return res, a.renameInChildren(c, d, sources)
}

func (a *alteration) tempName() string { return a.old.Def.Name }

func (a *alteration) userSchema() string {
	if hidden(a.old.Def.Schema) {
		return a.s.gms.GetCurrentDatabase()
	}
	return a.old.Def.Schema
}

// sources finds for each new column the old one that it takes its values from, -1 for a new one.
func (a *alteration) sources(d *table.Def) []int {
	out := make([]int, len(d.Columns))
	for i := range d.Columns {
		out[i] = -1
		from, ok := a.source[strings.ToLower(d.Columns[i].Name)]
		if !ok && sql.IsHiddenSystemColumn(d.Columns[i].Name) {
			from = d.Columns[i].Name
		}
		if from != "" {
			out[i] = tabledef.Position(a.old.Def, from)
		}
	}
	return out
}

// route is how to get from the old definition to the new one.
type route struct {
	rebuild bool
	kind    alterKind // what MySQL would do
	why     string    // for alterCopy, see alterOptions.permit
	none    string    // why LOCK=NONE is refused
	alone   bool      // the new rows do not follow from the old ones alone: nobody may change these meanwhile
}

func (r *route) atLeast(k alterKind, why string) {
	if k > r.kind {
		r.kind, r.why = k, why
	}
}

// rewrites notes that all rows are to be written anew.
func (r *route) rewrites(k alterKind, why string) {
	r.rebuild = true
	r.atLeast(k, why)
}

func (a *alteration) compare(c *sql.Context, d *table.Def, sources []int) (route, error) {
	var r route
	old := a.old.Def
	last := -1
	for i := range d.Columns {
		src := sources[i]
		if src < 0 {
			if err := a.compareAdded(c, d, i, &r); err != nil {
				return r, err
			}
			continue
		}
		if src < last {
			r.atLeast(alterInplace, "") // another order of columns: rows do not know it
		}
		last = max(last, src)
		compareColumn(&old.Columns[src], &d.Columns[i], &r)
	}
	if !sameIndex(old, &old.Indexes[0], d, &d.Indexes[0]) {
		if d.Indexes[0].Hidden && !old.Indexes[0].Hidden {
			r.rewrites(alterCopy, whyNoKey)
			r.alone = true
		}
		r.rewrites(alterInplace, "")
	}
	if a.opts.force {
		r.rewrites(alterInplace, "")
	}
	if a.opts.algorithm == "COPY" {
		r.rebuild = true
	}
	if err := a.compareConstraints(c, d, sources, &r); err != nil {
		return r, err
	}
	keepIndexes(old, d)
	for i := range d.Indexes {
		if d.Indexes[i].ID == 0 {
			r.atLeast(alterInplace, "")
			if strings.HasPrefix(d.Indexes[i].Kind, fulltext.KindName) && r.none == "" {
				r.none = whyFulltext
			}
		}
	}
	for i := range old.Indexes {
		if !slices.ContainsFunc(d.Indexes, func(x table.Index) bool { return x.ID == old.Indexes[i].ID }) {
			r.atLeast(alterInplace, "")
		}
	}
	return r, a.opts.permit(r.kind, r.why, r.none)
}

// compareColumn looks at a column that was there before.
func compareColumn(old, new *table.Column, r *route) {
	a, b := *old, *new
	if a.Nullable != b.Nullable {
		r.rewrites(alterInplace, "")
		a.Nullable = b.Nullable
	}
	if rowForm(&a) != rowForm(&b) {
		r.rewrites(alterCopy, whyColumnType)
		return
	}
	if from, to := storedType(a.Attrs), storedType(b.Attrs); from != to {
		if !widened(from, to) {
			r.rewrites(alterCopy, whyColumnType)
		} else if strings.HasPrefix(strings.ToLower(from), "var") {
			r.atLeast(alterInplace, "")
		}
	}
}

// compareAdded looks at a new column.
func (a *alteration) compareAdded(c *sql.Context, d *table.Def, i int, r *route) error {
	if d.Columns[i].Virtual {
		return nil
	}
	if err := a.refuseZeroDate(c, d, i); err != nil {
		return err
	}
	ok, err := a.instant(c, d, i)
	if err != nil || ok {
		return err
	}
	if d.AutoInc == i {
		r.rewrites(alterInplace, "")
		r.none, r.alone = whyAutoInc, true
		return nil
	}
	var attrs tabledef.Column
	if err := tabledef.Decode(d.Columns[i].Attrs, &attrs); err != nil {
		return err
	}
	r.rewrites(alterCopy, "")
	r.alone = r.alone || attrs.Generated == "" // an expression as default: RAND(), UUID()
	return nil
}

// refuseZeroDate refuses a new column that would give the rows that are there the zero date in a mode that has none (1292).
func (a *alteration) refuseZeroDate(c *sql.Context, d *table.Def, i int) error {
	var attrs tabledef.Column
	if err := tabledef.Decode(d.Columns[i].Attrs, &attrs); err != nil {
		return err
	}
	st := field.New(c, nil, false)
	if d.Columns[i].Nullable || attrs.Default != "" || attrs.Generated != "" || !st.Strict || st.Dates&temporal.NoZero == 0 {
		return nil
	}
	nm, err := tabledef.New(c, d)
	if err != nil {
		return err
	}
	kind := ""
	switch nm.Schema[i].Type.Type() {
	case sqltypes.Date:
		kind = "date"
	case sqltypes.Datetime:
		kind = "datetime"
	default: // MySQL lets a TIMESTAMP be zero here (prepare_create_field looks at DATE and DATETIME)
		return nil
	}
	rows, err := a.s.queryNow(c, executionOf(c), fmt.Sprintf("SELECT 1 FROM %s.%s LIMIT 1", sqltext.Quote(a.old.Def.Schema), sqltext.Quote(a.old.Def.Name)))
	if err != nil || len(rows) == 0 {
		return err
	}
	st.Row = 1
	return st.Incorrect(mysqlerr.ER_TRUNCATED_WRONG_VALUE, kind, zeroDateText(nm.Schema[i].Type), d.Columns[i].Name)
}

// zeroDateText is the zero of a DATE, DATETIME or TIMESTAMP.
func zeroDateText(t sql.Type) string {
	if t.Type() == sqltypes.Date {
		return "0000-00-00"
	}
	return "0000-00-00 00:00:00"
}

// keepIndexes gives those indexes of d that old has too their trees: of the same name, else renamed ones.
func keepIndexes(old, d *table.Def) {
	kept := map[uint64]bool{}
	match := func(renamed bool) {
		for i := range d.Indexes {
			x := &d.Indexes[i]
			if x.ID != 0 {
				continue
			}
			for j := range old.Indexes {
				o := &old.Indexes[j]
				if !kept[o.ID] && (i == 0) == (j == 0) && (renamed || strings.EqualFold(o.Name, x.Name)) && sameIndex(d, x, old, o) {
					x.ID, x.Root, x.Kind, kept[o.ID] = o.ID, o.Root, o.Kind, true
					break
				}
			}
		}
	}
	match(false)
	match(true)
}

// rowForm is the part of a column that rows depend on.
func rowForm(c *table.Column) [4]any { return [4]any{c.Class, c.Nullable, c.Collation, c.Virtual} }

func storedType(attrs string) string {
	var a tabledef.Column
	_ = tabledef.Decode(attrs, &a) // both were written by this package in this process or checked when the meta was built
	return a.Type + "|" + a.Generated
}

// instant gives a new column the value of existing rows, if it is one and the same for all.
func (a *alteration) instant(c *sql.Context, d *table.Def, i int) (bool, error) {
	var attrs tabledef.Column
	if err := tabledef.Decode(d.Columns[i].Attrs, &attrs); err != nil {
		return false, err
	}
	if attrs.Generated != "" || d.AutoInc == i || attrs.Default != "" && !attrs.Literal {
		return false, nil
	}
	v, err := a.fillValue(c, d, i, &attrs)
	if err != nil {
		return false, err
	}
	d.Columns[i].Instant = &v
	return true, nil
}

// fillValue is what rows that exist get in a new column: its default, else NULL, else the type's zero.
func (a *alteration) fillValue(c *sql.Context, d *table.Def, i int, attrs *tabledef.Column) (row.Datum, error) {
	nm, err := tabledef.New(c, d)
	if err != nil {
		return row.Datum{}, err
	}
	switch {
	case attrs.Default != "":
		vals, err := a.s.evalDefaults(c, nm)
		if err != nil {
			return row.Datum{}, err
		}
		v, err := vals[i].Eval(c, nil)
		if err != nil {
			return row.Datum{}, err
		}
		return nm.Codecs[i].Encode(c, v, item.Location(c))
	case d.Columns[i].Nullable:
		return row.NullDatum, nil
	}
	return nm.Codecs[i].Encode(c, field.Zero(nm.Schema[i].Type), nil)
}

// sameIndex compares by column identity, so that a renamed column is the same.
func sameIndex(d *table.Def, a *table.Index, e *table.Def, b *table.Index) bool {
	if !sameKind(a.Kind, b.Kind) || a.Unique != b.Unique || a.Primary != b.Primary || a.Hidden != b.Hidden || len(a.Parts) != len(b.Parts) {
		return false
	}
	for i := range a.Parts {
		p, q := a.Parts[i], b.Parts[i]
		if p.Prefix != q.Prefix || p.Desc != q.Desc || d.Columns[p.Column].ID != e.Columns[q.Column].ID {
			return false
		}
	}
	return true
}

// sameKind reports whether indexes are of one kind, whatever configuration they were made under.
func sameKind(a, b string) bool {
	x, ok := fulltext.ParseKind(a)
	y, too := fulltext.ParseKind(b)
	if ok && too {
		return (x.NGram > 0) == (y.NGram > 0)
	}
	return a == b
}

// run takes the route.
func (a *alteration) run(c *sql.Context, old, d *table.Def, sources []int, r route) (*Result, error) {
	cat := a.s.e.catalog
	res := &Result{Info: "Records: 0  Duplicates: 0  Warnings: 0"}
	o := table.Build{Online: a.opts.online() && !r.alone, Shared: a.opts.lock != "EXCLUSIVE", Progress: a.s.progress, ForeignKeys: a.keys, Prove: a.prove}
	if r.rebuild {
		for i := range d.Indexes {
			d.Indexes[i].ID, d.Indexes[i].Root = 0, 0
		}
		conv, err := a.converter(c, d, sources)
		if err != nil {
			return nil, err
		}
		if _, err := cat.RebuildTable(c, old, d, conv.convert, o); err != nil {
			return nil, conv.explain(c, err)
		}
		if r.kind == alterCopy || a.opts.algorithm == "COPY" {
			res.Affected = conv.n
			res.Info = fmt.Sprintf("Records: %d  Duplicates: 0  Warnings: 0", conv.n)
		}
		return res, nil
	}
	d.Version = old.Version
	if reflect.DeepEqual(d, old) {
		return res, nil
	}
	nm, err := tabledef.New(c, d)
	if err != nil {
		return nil, err
	}
	if o.Virtual, err = a.s.virtualFiller(c, nm); err != nil {
		return nil, err
	}
	_, err = cat.AlterTable(c, old, d, o)
	return res, a.s.duplicateInIndex(c, nm, err)
}

// converter makes rows of a new definition from those of the old.
type converter struct {
	a       *alteration
	nm      *tabledef.Table
	sources []int
	exprs   []sql.Expression // generated columns, and defaults that are expressions
	fill    []row.Datum
	same    []bool // the column holds its values as they were
	stamps  []bool // of these TIMESTAMPs whose zero is looked at: storeDates
	st      *field.Store
	checks  []sql.Expression // each for a check of the new definition, nil: rows are known to pass it
	evals   bool             // there are expressions
	out     []row.Datum
	loc     *time.Location
	c       *sql.Context
	n       uint64
}

func (a *alteration) converter(c *sql.Context, d *table.Def, sources []int) (*converter, error) {
	nm, err := tabledef.New(c, d)
	if err != nil {
		return nil, err
	}
	cv := &converter{a: a, nm: nm, sources: sources, c: c, fill: make([]row.Datum, len(d.Columns)), exprs: make([]sql.Expression, len(d.Columns)),
		same: make([]bool, len(d.Columns)), stamps: make([]bool, len(d.Columns)), loc: item.Location(c), st: field.New(c, nm, false)}
	defaults, err := a.s.evalDefaults(c, nm)
	if err != nil {
		return nil, err
	}
	generated, err := a.s.resolved(c, nm)
	if err != nil {
		return nil, err
	}
	for i := range d.Columns {
		at := &nm.Columns[i]
		switch {
		case at.Generated != "":
			cv.exprs[i] = generated[i]
		case sources[i] >= 0:
		case at.Default != "" && !at.Literal:
			cv.exprs[i] = defaults[i]
		case d.AutoInc == i:
		default:
			if cv.fill[i], err = a.fillValue(c, d, i, at); err != nil {
				return nil, err
			}
		}
		cv.evals = cv.evals || cv.exprs[i] != nil
		cv.same[i] = sources[i] >= 0 && storedType(a.old.Def.Columns[sources[i]].Attrs) == storedType(d.Columns[i].Attrs)
	}
	cv.storeDates()
	if len(a.newChecks(nm)) > 0 {
		cv.evals = true
		if cv.checks, err = a.s.boundChecks(c, nm); err != nil {
			return nil, err
		}
	}
	return cv, nil
}

// storeDates has the dates of unchanged columns stored anew, and so looked at, where another column's type changes: MySQL copies such a table row by row, and what
// has a date is then not copied as it is (Copy_field::get_copy_func). Of TIMESTAMPs only the zero is: the others are moments, which no wall clock need tell again.
func (cv *converter) storeDates() {
	if cv.st.Dates == temporal.Fuzzy {
		return
	}
	retyped := false
	for i, src := range cv.sources {
		retyped = retyped || src >= 0 && !cv.same[i] && cv.nm.Columns[i].Generated == ""
	}
	for i, src := range cv.sources {
		switch t := cv.nm.Schema[i].Type.Type(); {
		case !retyped || src < 0:
		case t == sqltypes.Date || t == sqltypes.Datetime:
			cv.same[i] = false
		case t == sqltypes.Timestamp:
			cv.stamps[i] = cv.same[i]
		}
	}
}

// memberType reports whether a type is ENUM or SET.
func memberType(t sql.Type) bool { return types.IsEnum(t) || types.IsSet(t) }

func (cv *converter) convert(r []row.Datum) ([]row.Datum, error) {
	cv.n++
	loc := cv.loc
	if cv.out == nil {
		cv.out = make([]row.Datum, len(cv.nm.Codecs))
	}
	out := cv.out // until the next call
	clear(out)
	var vals sql.Row
	if cv.evals {
		vals = make(sql.Row, len(cv.nm.Codecs))
	}
	old := cv.a.old
	for i := range out {
		switch src := cv.sources[i]; {
		case cv.nm.Columns[i].Generated != "":
			continue
		case src < 0 && cv.nm.Def.AutoInc == i:
			out[i] = autoDatum(cv.nm, i, cv.n)
		case src < 0:
			out[i] = cv.fill[i]
		default:
			if cv.same[i] {
				out[i] = r[src]
				if out[i].Null && !cv.nm.Def.Columns[i].Nullable {
					var err error
					if out[i], err = cv.cast(i, nil); err != nil {
						return nil, err
					}
				}
				if cv.stamps[i] && !out[i].Null {
					if err := cv.zeroStamp(i, &out[i]); err != nil {
						return nil, err
					}
				}
				break
			}
			v, err := old.Codecs[src].Decode(cv.c, &r[src], loc)
			if err != nil {
				return nil, err
			}
			if t := old.Schema[src].Type; v != nil && types.IsNumber(t) && !types.IsBit(t) && memberType(cv.nm.Schema[i].Type) { // copied by its text, not by its number, but for a BIT (do_field_int)
				if v, err = item.StoredText(cv.c, t, v); err != nil {
					return nil, err
				}
			}
			if out[i], err = cv.cast(i, v); err != nil {
				return nil, err
			}
		}
		if !cv.evals {
			continue
		}
		v, err := cv.nm.Codecs[i].Decode(cv.c, &out[i], loc)
		if err != nil {
			return nil, err
		}
		vals[i] = v
	}
	for i, x := range cv.exprs {
		if x == nil {
			continue
		}
		v, err := x.Eval(cv.c, vals)
		if err != nil {
			return nil, err
		}
		vals[i] = v
		if out[i], err = cv.nm.Codecs[i].Encode(cv.c, v, loc); err != nil {
			return nil, err
		}
	}
	return out, cv.check(vals)
}

// zeroStamp stores a TIMESTAMP anew that is the zero date.
func (cv *converter) zeroStamp(i int, d *row.Datum) error {
	v, err := cv.nm.Codecs[i].Decode(cv.c, d, cv.loc)
	if err != nil {
		return err
	}
	if at, ok := v.(time.Time); ok && at.Equal(types.ZeroTime) {
		*d, err = cv.cast(i, v)
	}
	return err
}

// check finds the first constraint that a row violates.
func (cv *converter) check(vals sql.Row) error {
	for i, x := range cv.checks {
		if x == nil {
			continue
		}
		v, err := sql.EvaluateCondition(cv.c, x, vals)
		if err != nil {
			return err
		}
		if sql.IsFalse(v) {
			return mysqlerr.New(mysqlerr.ER_CHECK_CONSTRAINT_VIOLATED, cv.nm.Attrs.Checks[i].Name)
		}
	}
	return nil
}

// cast converts a value into a column of another type, as the sql_mode says.
func (cv *converter) cast(i int, v any) (_ row.Datum, err error) {
	col := cv.nm.Schema[i]
	cv.st.Row = int64(cv.n)
	if v == nil {
		switch {
		case cv.nm.Def.Columns[i].Nullable:
			return row.NullDatum, nil
		case col.Type.Type() == sqltypes.Timestamp: // do_copy_timestamp
			v, err := cv.st.Column(cv.c, i, cv.now(col.Type))
			if err != nil {
				return row.Datum{}, err
			}
			return cv.nm.Codecs[i].Encode(cv.c, v, cv.loc)
		case cv.st.Strict:
			return row.Datum{}, mysqlerr.New(mysqlerr.ER_INVALID_USE_OF_NULL)
		}
		cv.st.Warn(cv.c, cv.st.Truncated(col.Name))
		if types.IsEnum(col.Type) {
			return cv.nm.Codecs[i].Encode(cv.c, uint16(0), cv.loc) // the error value, no member
		}
		return cv.nm.Codecs[i].Encode(cv.c, field.Zero(col.Type), cv.loc)
	}
	from := cv.a.old.Schema[cv.sources[i]].Type
	if n, ok := datum.Integer(v); ok && n == 0 && types.IsEnum(from) && types.IsEnum(col.Type) {
		return cv.nm.Codecs[i].Encode(cv.c, v, cv.loc) // the error value stays what it is
	}
	v = field.Fitted(cv.c, from, col.Type, v)
	if v, err = cv.st.Column(cv.c, i, v); err != nil {
		return row.Datum{}, err
	}
	return cv.nm.Codecs[i].Encode(cv.c, v, cv.loc)
}

// now is the wall clock's time of the statement, cut to what a TIMESTAMP holds.
func (cv *converter) now(t sql.Type) time.Time {
	at := cv.c.QueryTime().UTC()
	if cv.loc != nil {
		at = at.In(cv.loc)
	}
	unit := time.Second
	if d, ok := t.(sql.DatetimeType); ok {
		for range d.Precision() {
			unit /= 10
		}
	}
	y, m, d := at.Date()
	return time.Date(y, m, d, at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), time.UTC).Truncate(unit)
}

func (cv *converter) explain(c *sql.Context, err error) error {
	return cv.a.s.duplicateInIndex(c, cv.nm, err)
}

func autoDatum(m *tabledef.Table, i int, n uint64) row.Datum {
	if m.Codecs[i].Class == row.Float64 || m.Codecs[i].Class == row.Float32 {
		return row.FromFloat(float64(n))
	}
	return row.FromUint(n)
}
