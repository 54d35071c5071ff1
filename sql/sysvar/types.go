// Package sysvar owns the system variables of MySQL 8.0 that the library lacks, and what values any of them takes.
package sysvar

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/field"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/locale"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// What the values of system variables may be. The library refuses a number beyond a variable's bounds, where MySQL takes the nearest with a
// warning, and takes a text of digits, which MySQL refuses.

// Listed makes the variables of variableList that the library does not have.
func Listed() ([]sql.SystemVariable, error) {
	var out []sql.SystemVariable
	for _, line := range strings.Split(strings.TrimSpace(variableList), "\n") {
		f := strings.SplitN(line, " ", 4)
		if len(f) < 3 {
			return nil, fmt.Errorf("system variable %q: no type", line)
		}
		name, instead := strings.CutPrefix(f[0], "=")
		if _, _, have := sql.SystemVariables.GetGlobal(name); have && !instead {
			continue
		}
		def := ""
		if len(f) == 4 {
			def = f[3]
		}
		v, err := listedVariable(name, f[1], f[2], def)
		if err != nil {
			return nil, fmt.Errorf("system variable %s: %w", name, err)
		}
		out = append(out, v)
	}
	return out, nil
}

// blockSizes are what the values of variables are multiples of, as variableList has it: int:least:most:block.
var blockSizes = sync.OnceValue(func() map[string]uint64 {
	sizes := map[string]uint64{}
	for _, line := range strings.Split(strings.TrimSpace(variableList), "\n") {
		if f := strings.Fields(line); len(f) > 2 && strings.Count(f[2], ":") == 3 {
			n, err := strconv.ParseUint(f[2][strings.LastIndexByte(f[2], ':')+1:], 10, 64)
			if err != nil {
				panic("sysvar: block size of " + line)
			}
			sizes[strings.TrimPrefix(f[0], "=")] = n
		}
	}
	return sizes
})

func listedVariable(name, scope, kind, def string) (*sql.MysqlSystemVariable, error) {
	v := &sql.MysqlSystemVariable{Name: name, Dynamic: strings.ToUpper(scope) == scope}
	switch strings.ToUpper(scope) {
	case "G":
		v.Scope = sql.GetMysqlScope(sql.SystemVariableScope_Global)
	case "B":
		v.Scope = sql.GetMysqlScope(sql.SystemVariableScope_Both)
	default:
		v.Scope = sql.GetMysqlScope(sql.SystemVariableScope_Session)
	}
	what, rest, _ := strings.Cut(kind, ":")
	low, high, _ := strings.Cut(rest, ":")
	high, _, _ = strings.Cut(high, ":")
	switch what {
	case "bool":
		v.Type, v.Default = types.NewSystemBoolType(name), int8(0)
		if def == "ON" {
			v.Default = int8(1)
		}
	case "text":
		v.Type, v.Default = types.NewSystemStringType(name), def
	case "locale":
		v.Type, v.Default = localeType{types.NewSystemStringType(name), name}, def
	case "switch":
		v.Type, v.Default = switchType{types.NewSystemStringType(name), name, def}, def
	case "enum":
		v.Type, v.Default = types.NewSystemEnumType(name, strings.Split(rest, ",")...), def
	case "real":
		l, err := strconv.ParseFloat(low, 64)
		if err != nil {
			return nil, err
		}
		h, err := strconv.ParseFloat(high, 64)
		if err != nil {
			return nil, err
		}
		d, err := strconv.ParseFloat(def, 64)
		v.Type, v.Default = types.NewSystemDoubleType(name, l, h), d
		return v, err
	case "int":
		if h, err := strconv.ParseUint(high, 10, 64); err == nil && h > math.MaxInt64 {
			l, err := strconv.ParseUint(low, 10, 64)
			if err != nil {
				return nil, err
			}
			d, err := strconv.ParseUint(def, 10, 64)
			v.Type, v.Default = types.NewSystemUintType(name, l, h), d
			return v, err
		}
		l, err := strconv.ParseInt(low, 10, 64)
		if err != nil {
			return nil, err
		}
		h, err := strconv.ParseInt(high, 10, 64)
		if err != nil {
			return nil, err
		}
		d, err := strconv.ParseInt(def, 10, 64)
		v.Type, v.Default = types.NewSystemIntType(name, l, h, false), d
		return v, err
	default:
		return nil, fmt.Errorf("unknown type %q", kind)
	}
	return v, nil
}

// setNameType is the type of a variable that names a character set or a collation: utf8 has been another name of utf8mb3 since 8.0.30, which is what shows.
type setNameType struct {
	sql.SystemVariableType
	name string
}

func (t setNameType) Convert(ctx context.Context, v any) (any, sql.ConvertInRange, error) {
	if s, ok := v.(string); ok {
		if lower := strings.ToLower(s); lower == "utf8" || strings.HasPrefix(lower, "utf8_") {
			v = "utf8mb3" + lower[len("utf8"):]
		}
		if cs, err := sql.ParseCharacterSet(s); err == nil && t.name == "character_set_client" && item.LeastBytes(cs) > 1 { // statements are read byte by byte
			return nil, sql.InRange, mysqlerr.New(mysqlerr.ER_WRONG_VALUE_FOR_VAR, t.name, s)
		}
	}
	return t.SystemVariableType.Convert(ctx, v)
}

func (t setNameType) Equals(other sql.Type) bool {
	o, ok := other.(setNameType)
	return ok && o.SystemVariableType.Equals(t.SystemVariableType)
}

// localeType is the type of a variable that names a locale, by its name or number.
type localeType struct {
	sql.SystemVariableType
	name string
}

func (t localeType) Convert(ctx context.Context, v any) (any, sql.ConvertInRange, error) {
	name, ok := datum.Text(v)
	if !ok {
		return nil, sql.InRange, mysqlerr.New(mysqlerr.ER_WRONG_VALUE_FOR_VAR, t.name, "NULL")
	}
	l := locale.Find(name)
	if n, err := strconv.ParseInt(name, 10, 64); err == nil { // numbers come to variables of texts as texts
		l = locale.Numbered(n)
	}
	if l == nil {
		return nil, sql.InRange, mysqlerr.New(mysqlerr.ER_UNKNOWN_LOCALE, field.Shown(v))
	}
	return l.Name, sql.InRange, nil
}

func (t localeType) Equals(other sql.Type) bool {
	o, ok := other.(localeType)
	return ok && o.SystemVariableType.Equals(t.SystemVariableType)
}

// wordType is the type of a variable that is one of some words, ON and OFF among them: a word or its number, which has no fraction, not even .0.
type wordType struct {
	sql.SystemVariableType
	name string
}

// namesWords tells the library's types of that kind; it does not show one of them.
func namesWords(t sql.SystemVariableType) bool {
	if _, boolean := t.(types.SystemBoolType); boolean {
		return true
	}
	v := reflect.ValueOf(t)
	return v.Kind() == reflect.Struct && v.FieldByName("valToIndex").IsValid()
}

func (t wordType) Convert(ctx context.Context, v any) (any, sql.ConvertInRange, error) {
	switch v.(type) {
	case float32, float64, *apd.Decimal:
		return nil, sql.InRange, mysqlerr.New(mysqlerr.ER_WRONG_TYPE_FOR_VAR, t.name)
	}
	return t.SystemVariableType.Convert(ctx, v)
}

func (t wordType) Equals(other sql.Type) bool {
	o, ok := other.(wordType)
	return ok && o.SystemVariableType.Equals(t.SystemVariableType)
}

// Bound gives all whole-number variables MySQL's manners at their bounds, those of character sets and collations their names, and time_zone its range.
func Bound() {
	var again []sql.SystemVariable
	for name := range sql.SystemVariables.GetAllGlobalVariables() {
		sv, _, ok := sql.SystemVariables.GetGlobal(name)
		if !ok {
			continue
		}
		m, ok := sv.(*sql.MysqlSystemVariable)
		if !ok {
			continue
		}
		with := *m
		if t := boundedType(m.Name, m.Type); t != nil {
			with.Type = t
			again = append(again, &with)
		} else if t, ok := m.Type.(sql.SystemVariableType); ok && namesWords(t) {
			with.Type = wordType{t, m.Name}
			again = append(again, &with)
		} else if t, ok := m.Type.(sql.SystemVariableType); ok && (strings.HasPrefix(m.Name, "character_set_") || strings.HasPrefix(m.Name, "collation_")) {
			with.Type = setNameType{t, m.Name}
			again = append(again, &with)
		} else if t, ok := m.Type.(sql.SystemVariableType); ok && m.Name == "time_zone" {
			with.Type = zoneType{t}
			again = append(again, &with)
		}
	}
	sql.SystemVariables.AddSystemVariables(again)
}

// boundedType wraps the library's types of whole numbers, whose bounds it does not tell.
func boundedType(name string, t sql.Type) sql.Type {
	svt, ok := t.(sql.SystemVariableType)
	if _, done := t.(Bounded); !ok || done {
		return nil
	}
	v := reflect.ValueOf(t)
	if v.Kind() != reflect.Struct {
		return nil
	}
	low, high := v.FieldByName("lowerbound"), v.FieldByName("upperbound")
	switch {
	case !low.IsValid() || !high.IsValid():
		return nil
	case low.CanInt() && high.CanInt():
		b := Bounded{SystemVariableType: svt, name: name, Low: low.Int(), Signed: true, High: uint64(high.Int()), block: blockSizes()[name]}
		if one := v.FieldByName("negativeOne"); one.IsValid() {
			b.minusOne = one.Bool()
		}
		return b
	case low.CanUint() && high.CanUint():
		return Bounded{SystemVariableType: svt, name: name, Ulow: low.Uint(), High: high.Uint(), block: blockSizes()[name]}
	}
	return nil
}

// Bounded is the type of a whole-number variable.
type Bounded struct {
	sql.SystemVariableType
	name     string
	Signed   bool
	Low      int64
	Ulow     uint64
	High     uint64 // an int64 if signed
	minusOne bool
	block    uint64 // 0: 1
}

// Convert refuses what is no whole number (1232) and moves one that is out of bounds to the nearest that is not, with a warning; it is an
// error under STRICT_ALL_TABLES.
func (b Bounded) Convert(ctx context.Context, v any) (any, sql.ConvertInRange, error) {
	switch x := v.(type) {
	case nil, string, []byte, float32, float64, *apd.Decimal:
		return nil, sql.InRange, mysqlerr.New(mysqlerr.ER_WRONG_TYPE_FOR_VAR, b.name)
	case bool: // FALSE and TRUE
		if v = int64(0); x {
			v = int64(1)
		}
	}
	out, in, err := b.SystemVariableType.Convert(ctx, v)
	if !b.Signed && field.Negative(v) { // the library makes it a large one
		err = sql.ErrInvalidSystemVariableValue.New(b.name, v)
	}
	if u, ok := v.(uint64); ok && u > math.MaxInt64 && b.Signed {
		err = sql.ErrInvalidSystemVariableValue.New(b.name, v)
	}
	if err == nil {
		whole := b.whole(out)
		if whole == out {
			return out, in, nil
		}
		out = whole
	}
	c, ok := ctx.(*sql.Context)
	if !ok || c.Session == nil {
		return out, in, err
	}
	if field.Modes(c)["STRICT_ALL_TABLES"] {
		return nil, sql.InRange, mysqlerr.New(mysqlerr.ER_WRONG_VALUE_FOR_VAR, b.name, field.Shown(v))
	}
	e := mysqlerr.NewMessage(mysqlerr.ER_TRUNCATED_WRONG_VALUE, "Truncated incorrect %s value: '%s'", b.name, field.Shown(v))
	c.Session.Warn(&sql.Warning{Level: "Warning", Code: int(e.Code), Message: e.Message})
	switch {
	case err == nil:
		return out, in, nil
	case b.Signed && field.NegativeUnsigned(types.Uint64, v) || b.Signed && below(v, b.Low):
		return b.Low, sql.InRange, nil
	case b.Signed:
		return b.whole(int64(b.High)), sql.InRange, nil
	case field.Negative(v) || below(v, int64(min(b.Ulow, math.MaxInt64))):
		return b.Ulow, sql.InRange, nil
	}
	return b.whole(b.High), sql.InRange, nil
}

// whole is the nearest multiple of the block size that is not above a value, but not below the least value.
func (b Bounded) whole(v any) any {
	if b.block < 2 {
		return v
	}
	switch n := v.(type) {
	case int64:
		return max(b.Low, n-n%int64(b.block))
	case uint64:
		return max(b.Ulow, n-n%b.block)
	}
	return v
}

func below(v any, low int64) bool {
	if _, ok := v.(uint64); ok {
		u := v.(uint64)
		return low > 0 && u < uint64(low)
	}
	n, ok := datum.Integer(v)
	return ok && n < low
}

func (b Bounded) Equals(other sql.Type) bool {
	o, ok := other.(Bounded)
	return ok && o.SystemVariableType.Equals(b.SystemVariableType)
}

// switchType is the type of optimizer_switch: a value names some flags, the others stay.
type switchType struct {
	sql.SystemVariableType
	name, flags string // all flags at their defaults
}

func (t switchType) Equals(other sql.Type) bool {
	o, ok := other.(switchType)
	return ok && o.name == t.name
}

func (t switchType) Convert(ctx context.Context, v any) (any, sql.ConvertInRange, error) {
	given, ok := datum.Text(v)
	if !ok {
		return nil, sql.InRange, mysqlerr.New(mysqlerr.ER_WRONG_TYPE_FOR_VAR, t.name)
	}
	now := t.flags
	if c, ok := ctx.(*sql.Context); ok && c.Session != nil {
		if cur, err := c.GetSessionVariable(c, t.name); err == nil {
			if s, ok := cur.(string); ok && s != "" {
				now = s
			}
		}
	}
	state := map[string]string{}
	for _, f := range strings.Split(now, ",") {
		k, on, _ := strings.Cut(f, "=")
		state[k] = on
	}
	for _, f := range strings.Split(given, ",") {
		f = strings.ToLower(strings.TrimSpace(f))
		k, on, _ := strings.Cut(f, "=")
		_, known := state[k]
		switch {
		case f == "":
		case f == "default":
			return t.flags, sql.InRange, nil
		case known && (on == "on" || on == "off"):
			state[k] = on
		case known && on == "default":
			_, rest, _ := strings.Cut(","+t.flags, ","+k+"=")
			state[k], _, _ = strings.Cut(rest, ",")
		default:
			return nil, sql.InRange, mysqlerr.New(mysqlerr.ER_WRONG_VALUE_FOR_VAR, t.name, f)
		}
	}
	list := strings.Split(t.flags, ",")
	for i, f := range list {
		k, _, _ := strings.Cut(f, "=")
		list[i] = k + "=" + state[k]
	}
	return strings.Join(list, ","), sql.InRange, nil
}
