package general

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
	"github.com/zoryadb/zorya/sql/temporal"
)

// store converts values to what columns of a table hold, by MySQL's rules of strict and non-strict mode: in strict mode a value that
// does not fit is an error; otherwise, and with IGNORE, the nearest that does is stored with a warning.
type store struct {
	m        *tabledef.Table // nil: a join, whose columns are known by type only
	strict   bool
	division bool           // ERROR_FOR_DIVISION_BY_ZERO
	dates    temporal.Flags // that the sql_mode allows
	row      int64
	upsert   bool // assignments are those of ON DUPLICATE KEY UPDATE
	refuses  bool // NULL for a column that is NOT NULL is an error in any sql_mode
	holds    bool // warnings wait in held until tell
	held     []*sql.Warning
}

func newStore(c *sql.Context, m *tabledef.Table, ignore bool) *store {
	mode := sqlModes(c)
	return &store{m: m, strict: !ignore && (mode["STRICT_TRANS_TABLES"] || mode["STRICT_ALL_TABLES"]),
		division: mode["ERROR_FOR_DIVISION_BY_ZERO"], dates: item.DateFlags(c)}
}

func sqlModes(c *sql.Context) map[string]bool {
	out := map[string]bool{}
	v, err := c.GetSessionVariable(c, "sql_mode")
	if err != nil {
		return out
	}
	for _, m := range strings.Split(fmt.Sprint(v), ",") {
		out[strings.ToUpper(strings.TrimSpace(m))] = true
	}
	return out
}

// leftNull is what an UPDATE stores where the column is NOT NULL and no trigger has mended the NULL.
func (st *store) leftNull(c *sql.Context, col *sql.Column) (any, error) {
	e := mysqlerr.New(mysqlerr.ER_BAD_NULL_ERROR, col.Name)
	if st.strict || st.refuses {
		return nil, e
	}
	st.warn(c, e)
	return zeroValue(col.Type), nil
}

func (st *store) warn(c *sql.Context, e *mysqlerr.Error) {
	st.say(c, "Warning", e)
}

func (st *store) note(c *sql.Context, e *mysqlerr.Error) { st.say(c, "Note", e) }

func (st *store) say(c *sql.Context, level string, e *mysqlerr.Error) {
	w := &sql.Warning{Level: level, Code: int(e.Code), Message: e.Message}
	if st.holds {
		st.held = append(st.held, w)
		return
	}
	c.Session.Warn(w)
}

// tell gives the session the warnings that were held.
func (st *store) tell(c *sql.Context) {
	for _, w := range st.held {
		c.Session.Warn(w)
	}
	st.held = st.held[:0]
}

// bad is an error in strict mode, else a warning and the value near.
func (st *store) bad(c *sql.Context, near any, e *mysqlerr.Error) (any, error) {
	if st.strict {
		return nil, e
	}
	st.warn(c, e)
	return near, nil
}

// column converts v, not nil, for column i.
func (st *store) column(c *sql.Context, i int, v any) (any, error) {
	if exact, ok := v.(*apd.Decimal); ok && exact.Sign() < 0 && st.m.Columns[i].Unsigned() {
		return st.bad(c, zeroValue(st.m.Schema[i].Type), st.outOfRange(st.m.Schema[i].Name))
	}
	out, err := st.value(c, st.m.Schema[i].Type, st.m.Schema[i].Name, st.m.Columns[i].Fraction, v)
	if err == nil && st.m.Columns[i].Unsigned() && negative(out) {
		return st.bad(c, zeroValue(st.m.Schema[i].Type), st.outOfRange(st.m.Schema[i].Name))
	}
	return out, err
}

// value converts v for a column of type t; fraction is the number of digits that a TIME keeps.
func (st *store) value(c *sql.Context, t sql.Type, name string, fraction int, v any) (any, error) {
	if w, ok := v.(sql.AnyWrapper); ok {
		u, err := w.UnwrapAny(c)
		if err != nil {
			return nil, err
		}
		v = u
	}
	switch base := t.Type(); {
	case types.IsEnum(t), types.IsSet(t):
		return st.listed(c, t, name, v)
	case types.IsBit(t):
		return st.bits(c, t, name, v)
	case types.IsYear(t):
		return st.year(c, t, name, v)
	case types.IsTimespan(t):
		return st.span(c, name, fraction, v)
	case types.IsTime(t):
		return st.moment(c, t, name, v)
	case types.IsNumber(t), types.IsDecimal(t):
		return st.number(c, t, name, v)
	case types.IsText(t): // binary ones too
		v, err := st.floatText(c, t, name, v)
		switch {
		case err != nil:
			return nil, err
		case base == sqltypes.Char || base == sqltypes.VarChar || base == sqltypes.Text:
			return st.text(c, t, name, v)
		}
		return st.bytes(c, t, name, v)
	case datum.Spatial(t):
		return geometry(c, t, name, v)
	case types.IsJSON(t):
		return st.document(name, v)
	}
	return v, nil
}

// fitted is a value of type from as a column of type to takes it where the value alone does not tell: the names of members of ENUM and SET for what
// stores no number, the digits of a YEAR for a text, the number of a date or time for a number.
func fitted(c *sql.Context, from, to sql.Type, v any) any {
	if from == nil || to == nil || from.Equals(to) {
		return v
	}
	numeric := types.IsNumber(to) || types.IsDecimal(to)
	switch {
	case types.IsTime(from) || types.IsTimespan(from):
		switch {
		case numeric:
			return item.Number(c, from, v)
		case types.IsText(to): // binary ones too
			return item.TimeText(c, from, v)
		}
	case types.IsEnum(from) || types.IsSet(from):
		if numeric || types.IsBit(to) || types.IsYear(to) {
			return v
		}
		if x, err := datum.Ordered(from).SQL(c, nil, v); err == nil {
			return x.ToString()
		}
	case types.IsYear(from) && types.IsText(to):
		if n, ok := datum.Integer(v); ok {
			return datum.YearText(n)
		}
	}
	return v
}

func (st *store) truncated(name string) *mysqlerr.Error {
	return mysqlerr.New(mysqlerr.WARN_DATA_TRUNCATED, name, st.row)
}

func (st *store) outOfRange(name string) *mysqlerr.Error {
	return mysqlerr.New(mysqlerr.ER_WARN_DATA_OUT_OF_RANGE, name, st.row)
}

// incorrect is 1366 for numbers and 1292 for times.
func (st *store) incorrect(code mysqlerr.Code, kind string, v any, name string) *mysqlerr.Error {
	return mysqlerr.NewMessage(code, "Incorrect %s value: '%s' for column '%s' at row %d", kind, shown(v), name, st.row)
}

func shown(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case *apd.Decimal:
		return v.Text('f')
	case time.Time:
		d := temporal.OfHeld(v)
		if d.Micro == 0 {
			return d.Text(0)
		}
		return d.Text(datum.Fraction)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		if v {
			return "1"
		}
		return "0"
	}
	return fmt.Sprint(v)
}

func (st *store) number(c *sql.Context, t sql.Type, name string, v any) (any, error) {
	var note *mysqlerr.Error
	exact, _ := v.(*apd.Decimal)
	if s, ok := datum.Text(v); ok {
		digits, rest := numberPrefix(s)
		kind := "integer"
		if types.IsDecimal(t) {
			kind = "decimal"
		}
		switch {
		case digits == "" && types.IsFloat(t):
			return st.bad(c, zeroValue(t), st.truncated(name))
		case digits == "":
			return st.bad(c, zeroValue(t), st.incorrect(mysqlerr.ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, kind, s, name))
		case rest:
			note = st.truncated(name)
			if st.strict && !types.IsInteger(t) {
				return nil, note
			}
		}
		v = digits
		if !types.IsFloat(t) {
			if d, _, err := apd.NewFromString(digits); err == nil {
				v = d
				if types.IsInteger(t) {
					v = wholeNumber(d)
				}
			}
		} else if f, err := strconv.ParseFloat(digits, 64); err != nil { // it is infinite
			return st.bad(c, limit(t, f, sql.InRange), st.outOfRange(name))
		}
	}
	if f, ok := v.(float64); ok && types.IsInteger(t) {
		v = math.RoundToEven(f) // as rint does; exact numbers round halves away from zero
	}
	out, in, err := datum.Round(c, t, v)
	if err != nil && types.IsDecimal(t) {
		if near, ok := decimalLimit(t, v); ok {
			return st.bad(c, near, st.outOfRange(name))
		}
	}
	below := exact != nil && exact.Sign() < 0 && types.IsUnsigned(t) // a DECIMAL is looked at before it is rounded (convert_decimal2longlong), texts and DOUBLE after it
	if err != nil || in != sql.InRange || below || negativeUnsigned(t, v) {
		return st.bad(c, limit(t, v, in), st.outOfRange(name))
	}
	if note != nil {
		return st.bad(c, out, note) // of an integer, that it is out of range comes first
	}
	if d, ok := exactOf(v); ok && types.IsDecimal(t) {
		if dt, ok := t.(sql.DecimalType); ok && loses(d, int32(dt.Scale())) {
			st.note(c, st.truncated(name))
		}
	}
	return out, nil
}

// wholeNumber rounds what a text says: the range of an integer column is that of what is stored (strntoull10rnd), so that '-0.1' is an unsigned 0.
func wholeNumber(d *apd.Decimal) *apd.Decimal {
	if d.Exponent >= 0 {
		return d
	}
	c := apd.BaseContext.WithPrecision(uint32(d.NumDigits()) + 1)
	c.Rounding = apd.RoundHalfUp
	whole := new(apd.Decimal)
	if _, err := c.Quantize(whole, d, 0); err != nil {
		return d
	}
	whole.Negative = whole.Negative && !whole.IsZero()
	return whole
}

// exactOf is a number with the digits that storing it into a DECIMAL looks at: of a DOUBLE the fewest that tell it from others (double2decimal).
func exactOf(v any) (*apd.Decimal, bool) {
	switch v := v.(type) {
	case *apd.Decimal:
		return v, true
	case float32:
		return exactOf(float64(v))
	case float64:
		d, err := new(apd.Decimal).SetFloat64(v)
		return d, err == nil && d.Form == apd.Finite
	}
	return nil, false
}

// loses reports whether d has digits other than zero beyond scale decimals.
func loses(d *apd.Decimal, scale int32) bool {
	if -d.Exponent <= scale {
		return false
	}
	var r apd.Decimal
	r.Reduce(d)
	return -r.Exponent > scale
}

// numberPrefix is the number that a text begins with, "" if there is none; rest reports other than blanks after it.
func numberPrefix(s string) (digits string, rest bool) {
	s = strings.TrimLeft(s, " \t\n\r\v\f")
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	start := i
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	n := i - start
	if i < len(s) && s[i] == '.' {
		j := i + 1
		for j < len(s) && s[j] >= '0' && s[j] <= '9' {
			j++
		}
		if n+j-i-1 > 0 {
			n += j - i - 1
			i = j
		}
	}
	if n == 0 {
		return "", true
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		j := i + 1
		if j < len(s) && (s[j] == '-' || s[j] == '+') {
			j++
		}
		k := j
		for k < len(s) && s[k] >= '0' && s[k] <= '9' {
			k++
		}
		if k > j {
			if rest = strings.TrimLeft(s[k:], " \t\n\r\v\f") != ""; k-j > 5 && strings.Trim(s[j:k], "0") != "" { // more than any type holds
				return s[:j] + "99999", rest
			}
			return s[:k], rest
		}
	}
	return s[:i], strings.TrimLeft(s[i:], " \t\n\r\v\f") != ""
}

func negative(v any) bool {
	switch v := v.(type) {
	case *apd.Decimal:
		return v.Negative && !v.IsZero()
	case float64:
		return v < 0
	case float32:
		return v < 0
	case string:
		return strings.HasPrefix(strings.TrimSpace(v), "-")
	case uint64:
		return false
	}
	n, ok := datum.Integer(v)
	return ok && n < 0
}

// negativeUnsigned: the library wraps some negative numbers around.
func negativeUnsigned(t sql.Type, v any) bool {
	if !types.IsUnsigned(t) || !negative(v) {
		return false
	}
	if f, ok := v.(float64); ok {
		return f < 0
	}
	if d, ok := v.(*apd.Decimal); ok {
		f, err := d.Float64()
		return err != nil || math.Round(f) < 0
	}
	return true
}

// limit is the end of t's range that v lies beyond.
func limit(t sql.Type, v any, in sql.ConvertInRange) any {
	low := in == sql.Underflow || negative(v)
	switch t.Type() {
	case sqltypes.Int8:
		return pick[int8](low, math.MinInt8, math.MaxInt8)
	case sqltypes.Int16:
		return pick[int16](low, math.MinInt16, math.MaxInt16)
	case sqltypes.Int24:
		return pick[int32](low, -1<<23, 1<<23-1)
	case sqltypes.Int32:
		return pick[int32](low, math.MinInt32, math.MaxInt32)
	case sqltypes.Int64:
		return pick[int64](low, math.MinInt64, math.MaxInt64)
	case sqltypes.Uint8:
		return pick[uint8](low, 0, math.MaxUint8)
	case sqltypes.Uint16:
		return pick[uint16](low, 0, math.MaxUint16)
	case sqltypes.Uint24:
		return pick[uint32](low, 0, 1<<24-1)
	case sqltypes.Uint32:
		return pick[uint32](low, 0, math.MaxUint32)
	case sqltypes.Uint64:
		return pick[uint64](low, 0, math.MaxUint64)
	case sqltypes.Float32:
		return pick[float32](low, -math.MaxFloat32, math.MaxFloat32)
	case sqltypes.Float64:
		return pick(low, -math.MaxFloat64, math.MaxFloat64)
	}
	if near, ok := decimalLimit(t, v); ok {
		return near
	}
	return zeroValue(t)
}

func pick[T any](low bool, a, b T) T {
	if low {
		return a
	}
	return b
}

// decimalLimit is the largest DECIMAL of type t with the sign of v.
func decimalLimit(t sql.Type, v any) (any, bool) {
	d, ok := t.(sql.DecimalType)
	if !ok {
		return nil, false
	}
	text := strings.Repeat("9", int(d.Precision()))
	n, _, err := apd.NewFromString(text)
	if err != nil {
		return nil, false
	}
	n.Exponent = -int32(d.Scale())
	n.Negative = negative(v)
	return n, true
}

// listed is a member of an ENUM, or members of a SET. Blanks at the end of a text are none of its last member's (lengthsp); those of other members are.
func (st *store) listed(c *sql.Context, t sql.Type, name string, v any) (any, error) {
	s, text := datum.Text(v)
	if of, ok := t.(sql.TypeWithCollation); text && ok && of.Collation() != sql.Collation_binary {
		s = strings.TrimRight(s, " ")
		v = s
	}
	set, several := t.(sql.SetType)
	out, in, err := t.Convert(c, v)
	if err == nil && in == sql.InRange && !(text && several && strings.Contains(s, " ,")) {
		return out, nil
	}
	var near any = uint16(0)
	if several {
		near = uint64(0)
		if text {
			var have []string
			for _, m := range strings.Split(s, ",") {
				if _, _, err := set.Convert(c, m); err == nil && !strings.HasSuffix(m, " ") {
					have = append(have, m)
				}
			}
			if bits, ok := setNumber(set, s); ok && len(have) == 0 {
				return bits, nil
			}
			if out, _, err := set.Convert(c, strings.Join(have, ",")); err == nil {
				near = out
			}
		}
	}
	return st.bad(c, near, st.truncated(name))
}

// setNumber is the members of a SET that a text means which names none but is a number (Field_set::store).
func setNumber(t sql.SetType, s string) (uint64, bool) {
	bits, err := strconv.ParseUint(strings.TrimLeft(s, " \t\n\r\v\f"), 10, 64)
	return bits, err == nil && bits>>t.NumberOfElements() == 0
}

func (st *store) bits(c *sql.Context, t sql.Type, name string, v any) (any, error) {
	out, in, err := t.Convert(c, v)
	if err == nil && in == sql.InRange {
		return out, nil
	}
	if st.strict {
		return nil, mysqlerr.New(mysqlerr.ER_DATA_TOO_LONG, name, st.row)
	}
	all := uint64(math.MaxUint64)
	if b, ok := t.(interface{ NumberOfBits() uint8 }); ok && b.NumberOfBits() < 64 {
		all = 1<<b.NumberOfBits() - 1
	}
	st.warn(c, st.outOfRange(name))
	return all, nil
}

func (st *store) year(c *sql.Context, t sql.Type, name string, v any) (any, error) {
	if s, ok := datum.Text(v); ok {
		digits, rest := numberPrefix(s)
		if digits == "" {
			return st.bad(c, int16(0), st.incorrect(mysqlerr.ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, "integer", s, name))
		}
		if rest && st.strict {
			return nil, st.truncated(name)
		}
		v = strings.TrimSpace(digits)
	}
	out, in, err := t.Convert(c, v)
	if err != nil || in != sql.InRange {
		return st.bad(c, int16(0), st.outOfRange(name))
	}
	return out, nil
}

// floatText gives a DOUBLE the digits that a column of characters has room for. Other values stay as they are.
func (st *store) floatText(c *sql.Context, t sql.Type, name string, v any) (any, error) {
	f, ok := v.(float64)
	tt, sized := t.(sql.StringType)
	if !ok || !sized {
		return v, nil
	}
	text, cut := datum.FloatText(f, int(min(tt.MaxCharacterLength(), math.MaxInt16)))
	switch {
	case cut && st.strict:
		return nil, mysqlerr.New(mysqlerr.ER_DATA_TOO_LONG, name, st.row)
	case cut:
		st.warn(c, st.truncated(name))
	}
	return text, nil
}

func (st *store) text(c *sql.Context, t sql.Type, name string, v any) (any, error) {
	s, ok := datum.Text(v)
	if !ok {
		x, _, err := types.LongText.Convert(c, v)
		if err != nil {
			return v, nil
		}
		if s, ok = datum.Text(x); !ok {
			return v, nil
		}
	}
	tt, ok := t.(sql.StringType)
	if !ok {
		return v, nil
	}
	made := st.wellFormed
	if _, bytes := v.([]byte); bytes {
		made = st.ofBytes
	}
	s, err := made(c, tt.CharacterSet(), name, s)
	if err != nil {
		return nil, err
	}
	fixed := t.Type() == sqltypes.Char
	cut := len(s)
	if t.Type() == sqltypes.Text {
		if n := tt.MaxByteLength(); int64(len(s)) > n {
			for cut = int(n); cut > 0 && !utf8.RuneStart(s[cut]); cut-- {
			}
		}
	} else {
		cut = prefixOf(s, int(tt.MaxCharacterLength()))
	}
	if cut < len(s) {
		switch blank := strings.Trim(s[cut:], " ") == ""; {
		case blank && fixed:
		case blank:
			st.note(c, st.truncated(name))
		case st.strict:
			return nil, mysqlerr.New(mysqlerr.ER_DATA_TOO_LONG, name, st.row)
		default:
			st.warn(c, st.truncated(name))
		}
		s = s[:cut]
	}
	if fixed {
		s = strings.TrimRight(s, " ") // CHAR(n) is read without them
	}
	return s, nil
}

// prefixOf is the length in bytes of the first n characters of s.
func prefixOf(s string, n int) int {
	if len(s) <= n {
		return len(s)
	}
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

func (st *store) bytes(c *sql.Context, t sql.Type, name string, v any) (any, error) {
	tt, ok := t.(sql.StringType)
	if !ok {
		return v, nil
	}
	s, ok := datum.Text(v)
	if !ok {
		x, _, err := types.LongBlob.Convert(c, v)
		if err != nil {
			return v, nil
		}
		if s, ok = datum.Text(x); !ok {
			return v, nil
		}
	}
	if n := tt.MaxByteLength(); int64(len(s)) > n {
		if st.strict {
			return nil, mysqlerr.New(mysqlerr.ER_DATA_TOO_LONG, name, st.row)
		}
		st.warn(c, st.truncated(name))
		s = s[:n]
	} else if t.Type() == sqltypes.Binary && int64(len(s)) < n {
		s += strings.Repeat("\x00", int(n)-len(s))
	}
	return []byte(s), nil
}
