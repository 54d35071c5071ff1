package item

import (
	"strings"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation/window"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/datum"
)

// Types as the protocol numbers them.
const (
	WireTiny, WireShort, WireLong, WireFloat, WireDouble, WireNull, WireTimestamp           uint8 = 1, 2, 3, 4, 5, 6, 7
	WireLongLong, WireInt24, WireDate, WireTime, WireDatetime, WireYear                     uint8 = 8, 9, 10, 11, 12, 13
	WireBit, WireJSON, WireDecimal, WireMediumBlob, WireLongBlob, WireBlob                  uint8 = 16, 245, 246, 250, 251, 252
	WireVarString, WireString, WireGeometry                                                 uint8 = 253, 254, 255
	maxVarchar, maxMediumBlob, MaxLongBlob                                                  int64 = 65535, 1<<24 - 1, 1<<32 - 1
	timeWidth, datetimeWidth, dateWidth, doubleWidth, doubleDigits, longLongWidth, intWidth       = 10, 19, 10, 23, 15, 21, 11
)

// Shape is what MySQL knows of a value's form before there is one: its data_type, max_length, decimals, unsigned_flag, maybe_null and collation.
type Shape struct {
	Type     uint8
	Length   int64 // bytes of a string, in its own character set; else characters of what is shown
	Dec      uint8
	Unsigned bool
	Null     bool
	Coll     sql.CollationID // Collation_binary for what is no text
}

// Chars is how many characters are shown at most.
func (s *Shape) Chars() int64 { return s.Length / s.width() }

func (s *Shape) width() int64 {
	if s.Coll == 0 || s.Coll == sql.Collation_binary {
		return 1
	}
	return max(s.Coll.CharacterSet().MaxLength(), 1)
}

// Blob reports whether the value is of one of the types of TEXT and BLOB.
func (s *Shape) Blob() bool { return s.Type >= WireMediumBlob-1 && s.Type <= WireBlob }

func (s *Shape) digits() int64 { // of a number, before and behind the point
	n := s.Length
	if s.Dec > 0 && s.Type == WireDecimal {
		n--
	}
	if !s.Unsigned {
		n--
	}
	return max(n, 1)
}

// Shaper finds the shapes of expressions.
type Shaper struct {
	Context *sql.Context
	// Column is the shape of a column, false where it is not known.
	Column func(f *expression.GetField) (Shape, bool)
	// Query is the shape of the only column of a scalar subquery, and says whether it has a row in any case.
	Query func(q *plan.Subquery) (s Shape, row, ok bool)
	// Variables are the declared types of the literals that are a program's variables.
	Variables map[*expression.Literal]sql.Type
}

// Of is the shape of e.
func (s *Shaper) Of(e sql.Expression) Shape {
	switch x := e.(type) {
	case *expression.Alias:
		return s.Of(x.Child)
	case *expression.GetField:
		if sh, ok := s.Column(x); ok {
			return sh
		}
		if t := x.Type(s.Context); t != nil {
			return OfColumn(s.Context, t, true)
		}
		return Shape{Type: WireNull, Null: true, Coll: sql.Collation_binary} // the column of a query without tables has no type
	case *expression.Literal:
		if t := s.Variables[x]; t != nil {
			return OfColumn(s.Context, t, true)
		}
		return s.literal(x)
	case *held:
		return s.Of(x.of)
	case *plan.Subquery:
		if sh, row, ok := s.Query(x); ok {
			sh.Null = sh.Null || !row
			return sh
		}
	case *choice:
		return s.choice(x)
	case *extreme:
		return s.extreme(x)
	case *aggregation.Max, *aggregation.Min, *aggregation.AnyValue, *aggregation.First, *aggregation.Last:
		return s.picked(e.Children()[0])
	case *window.Lag:
		return s.picked(x.ChildExpressions[0])
	case *window.Lead:
		return s.picked(x.ChildExpressions[0])
	case *window.FirstValue:
		return s.picked(x.Child)
	case *window.LastValue:
		return s.picked(x.Child)
	case interface{ PicksFrom() sql.Expression }:
		if of := x.PicksFrom(); of != nil {
			return s.picked(of)
		}
	}
	a := Of(s.Context, e)
	sh := s.ofAttr(e, &a)
	sh.Null = sh.Null || s.null(e)
	return sh
}

// picked is the shape of one of the values of e, or of none.
func (s *Shaper) picked(e sql.Expression) Shape {
	sh := s.Of(e)
	sh.Null = true
	return sh
}

// OfColumn is the shape of a column of type t that no more is known of.
func OfColumn(c *sql.Context, t sql.Type, null bool) Shape {
	sh := Shape{Null: null, Coll: sql.Collation_binary, Unsigned: types.IsUnsigned(t)}
	switch t.Type() {
	case sqltypes.Int8, sqltypes.Uint8:
		sh.Type, sh.Length = WireTiny, 4
		if n, ok := t.(sql.NumberType); ok && n.DisplayWidth() == 1 {
			sh.Length = 1
		}
	case sqltypes.Int16, sqltypes.Uint16:
		sh.Type, sh.Length = WireShort, 6
	case sqltypes.Int24, sqltypes.Uint24:
		sh.Type, sh.Length = WireInt24, 9
	case sqltypes.Int32, sqltypes.Uint32:
		sh.Type, sh.Length = WireLong, intWidth
	case sqltypes.Int64, sqltypes.Uint64:
		sh.Type, sh.Length = WireLongLong, 20
	case sqltypes.Float32:
		sh.Type, sh.Length, sh.Dec = WireFloat, 12, notFixed
	case sqltypes.Float64:
		sh.Type, sh.Length, sh.Dec = WireDouble, 22, notFixed
		if f, ok := t.(realType); ok {
			sh.Dec, sh.Length = uint8(f.decimals), int64(doubleDigits+2+f.decimals)
		}
	case sqltypes.Decimal:
		sh.Type = WireDecimal
		if d, ok := t.(sql.DecimalType); ok {
			sh.Dec, sh.Length = d.Scale(), decimalLength(int(d.Precision()), int(d.Scale()), false)
		}
	case sqltypes.Timestamp:
		a := OfType(c, t)
		sh = ofKind(&a)
		sh.Type, sh.Null = WireTimestamp, null
	case sqltypes.Year:
		sh.Type, sh.Length, sh.Unsigned = WireYear, 4, true
	case sqltypes.Bit:
		sh.Type, sh.Unsigned = WireBit, true
		if b, ok := t.(types.BitType); ok {
			sh.Length = int64(b.NumberOfBits())
		}
	case sqltypes.Enum, sqltypes.Set, sqltypes.Char, sqltypes.Binary:
		sh.Type = WireString
		sh.ofText(c, t)
	case sqltypes.VarChar, sqltypes.VarBinary:
		sh.Type = WireVarString
		sh.ofText(c, t)
	case sqltypes.Text, sqltypes.Blob:
		sh.Type = WireBlob
		sh.ofText(c, t)
	default:
		a := OfType(c, t)
		out := ofKind(&a)
		out.Null = out.Null || null
		return out
	}
	if sh.Unsigned && sh.Length > 1 {
		switch sh.Type {
		case WireTiny, WireShort, WireInt24, WireLong: // no sign
			sh.Length--
		}
	}
	return sh
}

// ofText gives the shape a string type's collation and length.
func (s *Shape) ofText(c *sql.Context, t sql.Type) {
	if ct, ok := t.(sql.TypeWithCollation); ok && !types.IsBinaryType(t) {
		s.Coll = ct.Collation()
	}
	if t.Type() == sqltypes.VarChar && s.Coll == sql.Collation_binary || s.Coll == sql.Collation_Unspecified {
		s.Coll = c.GetCollation()
	}
	switch x := t.(type) {
	case sql.StringType:
		s.Length = x.MaxCharacterLength() * s.width()
		if s.Type == WireBlob {
			s.Length = x.MaxByteLength()
		}
	default:
		a := OfType(c, t)
		n, _ := shownWidth(&a)
		s.Length = int64(n) * s.width()
	}
	s.Length = min(s.Length, MaxLongBlob)
}

// ofKind is the shape of a computed value that is not text and has no length of its own.
func ofKind(a *Attr) Shape {
	sh := Shape{Coll: sql.Collation_binary, Unsigned: a.Unsigned}
	fraction := int64(0)
	if a.Dec > 0 {
		fraction = int64(a.Dec) + 1
	}
	switch a.Kind {
	case Null:
		sh.Type, sh.Null = WireNull, true
	case Int:
		sh.Type, sh.Length = WireLongLong, longLongWidth
	case Bit:
		sh.Type, sh.Length, sh.Unsigned = WireLongLong, longLongWidth, true
	case Year:
		sh.Type, sh.Length, sh.Unsigned = WireYear, 4, true
	case Decimal:
		sh.Type, sh.Dec, sh.Length = WireDecimal, uint8(max(a.Dec, 0)), decimalLength(a.Prec, a.Dec, a.Unsigned)
	case Real:
		sh.Type, sh.Dec, sh.Length = WireDouble, uint8(a.Dec), doubleWidth
		if a.Dec < notFixed {
			sh.Length = int64(doubleDigits + 2 + a.Dec)
		}
	case Date:
		sh.Type, sh.Length = WireDate, dateWidth
	case Datetime:
		sh.Type, sh.Dec, sh.Length = WireDatetime, uint8(max(a.Dec, 0)), datetimeWidth+fraction
	case Time:
		sh.Type, sh.Dec, sh.Length = WireTime, uint8(max(a.Dec, 0)), timeWidth+fraction
	case JSON:
		sh.Type, sh.Dec, sh.Length, sh.Coll = WireJSON, notFixed, MaxLongBlob, sql.Collation_utf8mb4_bin
	default:
		if a.typ != nil && datum.Spatial(a.typ) {
			sh.Type, sh.Dec, sh.Length = WireGeometry, notFixed, MaxLongBlob
			break
		}
		sh.Type, sh.Dec, sh.Length = WireLongBlob, notFixed, MaxLongBlob
	}
	return sh
}

func decimalLength(prec, dec int, unsigned bool) int64 {
	n := int64(max(prec, dec, 1))
	if dec > 0 {
		n++
	}
	if !unsigned {
		n++
	}
	return n
}

// ofAttr is the shape of a computed value, but for whether it may be NULL.
func (s *Shaper) ofAttr(e sql.Expression, a *Attr) Shape {
	if !a.text() {
		sh := ofKind(a)
		if a.Kind == Int {
			sh.Length = s.wholeWidth(e, a)
		}
		switch callName(e) {
		case "row_number", "rank", "dense_rank", "ntile":
			sh = Shape{Type: WireLongLong, Length: longLongWidth, Unsigned: true, Coll: sql.Collation_binary}
		}
		if t := e.Type(s.Context); a.Kind == Real && t.Type() == sqltypes.Float32 {
			sh.Type, sh.Length = WireFloat, 12
		}
		return sh
	}
	coll := a.Coll
	name := callName(e)
	if coll == sql.Collation_Unspecified || coll == sql.Collation_utf8mb4_0900_bin && name != "" { // what the library gives text that has none
		if coll = s.Context.GetCollation(); strings.HasPrefix(name, "json_") {
			coll = sql.Collation_utf8mb4_bin
		}
	}
	n, ok := s.textWidth(e, a)
	if !ok {
		n = MaxLongBlob
	}
	sh := textShape(n, coll)
	if a.Hex {
		sh.Dec, sh.Unsigned = 0, true
	}
	if _, ok := e.(*aggregation.GroupConcat); ok { // a TEXT, whatever group_concat_max_len is
		sh.Type = WireBlob
	}
	return sh
}

// textShape is the shape of a computed text of up to n characters.
func textShape(n int64, coll sql.CollationID) Shape {
	sh := Shape{Dec: notFixed, Coll: coll}
	sh.Length = min(min(n, MaxLongBlob)*sh.width(), MaxLongBlob)
	switch {
	case sh.Length <= maxVarchar:
		sh.Type = WireVarString
	case sh.Length <= maxMediumBlob:
		sh.Type = WireMediumBlob
	default:
		sh.Type = WireLongBlob
	}
	return sh
}

// wholeWidth is how many characters a computed integer has.
func (s *Shaper) wholeWidth(e sql.Expression, a *Attr) int64 {
	sign := int64(1)
	if a.Unsigned {
		sign = 0
	}
	switch x := e.(type) {
	case *arithmetic:
		return int64(x.is.Prec) + sign
	case *negation, *rounding:
		return int64(min(a.Prec, 20)) + sign
	case *aggregation.Count, *aggregation.CountDistinct:
		return longLongWidth
	}
	if a.Bool {
		return 1
	}
	if n := integerWidths[callName(e)]; n > 0 {
		return int64(n)
	}
	return longLongWidth
}

func (s *Shaper) literal(l *expression.Literal) Shape {
	a := ofLiteral(s.Context, l)
	sh := ofKind(&a)
	switch a.Kind {
	case Null:
	case Int:
		sh.Length = int64(a.Prec)
		switch n, _ := datum.Whole(l.Value()); {
		case a.Bool:
			sh.Length = 1
		case a.Unsigned:
			sh.Length = int64(len(l.String()))
		case n < 0:
			sh.Length++
		default:
			sh.Length++
		}
	case Real:
		sh.Length = int64(len(l.String()))
	case String, Enum, Set:
		n := 0
		switch v := l.Value().(type) {
		case string:
			n = utf8.RuneCountInString(v)
		case []byte:
			n = len(v)
		}
		sh = textShape(int64(n), a.Coll)
		if a.Hex {
			sh.Dec, sh.Unsigned = 0, true
		}
	}
	sh.Null = l.Value() == nil
	return sh
}

func (s *Shaper) choice(x *choice) Shape {
	list := make([]Shape, len(x.values))
	for i, k := range x.values {
		list[i] = s.Of(x.args[k].Expression)
	}
	var sh Shape
	if x.name == "nullif" {
		sh = list[0]
		if sh.Type == WireTimestamp {
			sh.Type = WireDatetime
		}
	} else {
		sh = Merge(&x.is, list)
	}
	sh.Null = x.nulls
	all := true
	for i := range list {
		all = all && list[i].Null
		if x.name != "ifnull" && x.name != "coalesce" {
			sh.Null = sh.Null || list[i].Null
		}
	}
	if x.name == "ifnull" || x.name == "coalesce" {
		sh.Null = all
	}
	return sh
}

func (s *Shaper) extreme(x *extreme) Shape {
	list := make([]Shape, len(x.args))
	null := false
	for i := range list {
		list[i] = s.Of(x.args[i].Expression)
		null = null || list[i].Null
	}
	sh := Merge(&x.is, list)
	sh.Null = null
	return sh
}

// wholeOrder are the types of integers, the narrow ones first.
var wholeOrder = []uint8{WireYear, WireTiny, WireShort, WireInt24, WireLong, WireLongLong}

// Merge is the shape of what may have any of several: of IF, CASE, COALESCE, a column of a UNION. a is the type that they are merged to.
func Merge(a *Attr, list []Shape) Shape {
	sh := ofKind(a)
	sh.Length, sh.Null = 0, false
	ints, same, first := int64(0), true, -1
	for i := range list {
		sh.Null = sh.Null || list[i].Null
		if list[i].Type == WireNull {
			continue
		}
		if first < 0 {
			first = i
		}
		same = same && list[i].Type == list[first].Type
		sh.Length = max(sh.Length, list[i].Length)
		ints = max(ints, list[i].digits()-int64(list[i].Dec))
	}
	if first < 0 {
		sh.Null = true
		return sh
	}
	switch a.Kind {
	case Int:
		mergeWhole(&sh, a, list)
	case Decimal:
		sh.Length = decimalLength(int(min(ints+int64(a.Dec), maxPrec)), a.Dec, a.Unsigned)
	case Real:
		if same && list[first].Type == WireFloat {
			sh.Type = WireFloat
		}
	case Date, Datetime, Time, JSON, Year, Other:
		sh.Length = ofKind(a).Length
		if a.Kind == Datetime && same && list[first].Type == WireTimestamp {
			sh.Type = WireTimestamp
		}
	case String, Enum, Set:
		null := sh.Null
		sh = mergeText(a, list, same, first)
		sh.Null = null
	}
	return sh
}

func mergeWhole(sh *Shape, a *Attr, list []Shape) {
	rank, signed, unsigned := 1, false, 0
	for i := range list {
		for r, t := range wholeOrder {
			if list[i].Type != t {
				continue
			}
			rank = max(rank, r)
			if list[i].Unsigned {
				unsigned = max(unsigned, r)
			} else {
				signed = true
			}
		}
	}
	if signed && unsigned == rank && unsigned > 0 && rank+1 < len(wholeOrder) { // the signed type that has all of the unsigned one's values
		rank++
		sh.Length++
	}
	sh.Type, sh.Unsigned = wholeOrder[rank], !signed
}

func mergeText(a *Attr, list []Shape, same bool, first int) Shape {
	chars, blob := int64(0), uint8(0)
	for i := range list {
		chars = max(chars, list[i].Chars())
		if list[i].Blob() {
			blob = WireBlob
		}
	}
	coll := a.Coll
	if coll == 0 {
		coll = sql.Collation_binary
	}
	sh := textShape(chars, coll)
	switch {
	case blob != 0 && sh.Type == WireVarString:
		sh.Type = blob
	case same && list[first].Type == WireString:
		sh.Type = WireString
	}
	return sh
}

// callName is the lower-case name of a call, "" for what is none.
func callName(e sql.Expression) string {
	if f, ok := e.(sql.FunctionExpression); ok {
		return strings.ToLower(f.FunctionName())
	}
	switch x := e.(type) {
	case *textual:
		return x.name
	case *searching:
		return x.name
	case *rounding:
		return x.name
	}
	name, _, ok := strings.Cut(strings.ToLower(e.String()), "(")
	if !ok {
		return ""
	}
	return name
}
