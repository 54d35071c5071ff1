package item

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
)

// How long the text of an expression may be, and whether it may be NULL: max_length and maybe_null of MySQL's items.

// fixedWidths are the functions whose text has a length of its own.
var fixedWidths = map[string]int64{"md5": 32, "sha": 40, "sha1": 40, "uuid": 36, "user": 288, "current_user": 288, "session_user": 288, "system_user": 288,
	"database": 64, "schema": 64, "version": 60, "dayname": 9, "monthname": 9, "inet_ntoa": 15, "inet6_ntoa": 39, "bin": 64, "oct": 64, "conv": 64, "charset": 64,
	"collation": 64, "json_type": 17, "inet6_aton": 16, "uuid_to_bin": 16, "bin_to_uuid": 36, "get_format": 17, "date_add": 29, "date_sub": 29,
	"adddate": 29, "subdate": 29, "addtime": 29, "subtime": 29, "timestampadd": 29, "str_to_date": 29}

// integerWidths are the functions whose number has fewer characters than a BIGINT.
var integerWidths = map[string]int{"year": 5, "month": 2, "day": 2, "dayofmonth": 2, "dayofweek": 1, "dayofyear": 3, "weekday": 1, "quarter": 2, "hour": 2, "minute": 2,
	"second": 2, "microsecond": 6, "week": 2, "weekofyear": 2, "yearweek": 6, "to_days": 6, "to_seconds": 11, "time_to_sec": 10, "length": 10, "octet_length": 10,
	"char_length": 10, "character_length": 10, "bit_length": 11, "ascii": 3, "ord": 7, "field": 3, "find_in_set": 3, "locate": 11, "position": 11, "instr": 11,
	"strcmp": 2, "crc32": 10, "bit_count": 2, "sign": 2, "json_valid": 1, "json_contains": 1, "json_contains_path": 1, "json_overlaps": 1, "json_schema_valid": 1,
	"json_length": 10, "json_depth": 10, "coercibility": 10, "connection_id": 10, "period_add": 6, "period_diff": 6, "is_ipv4": 1, "is_ipv6": 1, "is_uuid": 1,
	"regexp_like": 1, "interval": 2, "isnull": 1, "unix_timestamp": 11, "uncompressed_length": 10, "sleep": 21}

// nullAnyway are the functions that may be NULL of arguments that are not.
var nullAnyway = names(`year month day dayofmonth dayofweek dayofyear weekday dayname monthname quarter week weekofyear yearweek hour minute second microsecond to_days
	to_seconds time_to_sec date time timestamp date_format time_format date_add date_sub adddate subdate addtime subtime timediff datediff timestampdiff timestampadd
	str_to_date last_day makedate maketime sec_to_time from_days from_unixtime convert_tz extract get_format mod nullif elt lpad rpad repeat space bin oct conv unhex
	from_base64 to_base64 inet_aton inet_ntoa inet6_aton inet6_ntoa format sqrt ln log log2 log10 acos asin atan atan2 sin cos tan cot exp pow power degrees radians
	compress uncompress aes_encrypt aes_decrypt load_file database schema sha2 get_lock release_lock is_free_lock is_used_lock char random_bytes extractvalue
	updatexml bin_to_uuid uuid_to_bin regexp_substr regexp_instr regexp_replace regexp_like substring_index std stddev stddev_pop stddev_samp var_pop var_samp variance
	json_extract json_unquote json_value json_length json_depth json_keys json_search json_set json_insert json_replace json_remove json_type json_contains
	json_contains_path json_merge json_merge_patch json_merge_preserve json_array_append json_array_insert json_pretty json_quote json_arrayagg json_objectagg
	group_concat sum avg json_valid json_overlaps json_schema_valid json_schema_validation_report json_storage_size json_storage_free ntile nth_value weight_string`)

func names(list string) map[string]bool {
	out := map[string]bool{}
	for _, n := range strings.Fields(list) {
		out[n] = true
	}
	return out
}

// null reports whether e may be NULL, whatever shape it has.
func (s *Shaper) null(e sql.Expression) bool {
	switch x := e.(type) {
	case *expression.Literal:
		return x.Value() == nil
	case *aggregation.Count, *aggregation.CountDistinct, *aggregation.BitAnd, *aggregation.BitOr, *aggregation.BitXor, *plan.ExistsSubquery:
		return false
	case sql.Aggregation:
		return true
	case *arithmetic:
		if x.op == "/" || x.op == "%" || x.op == "div" {
			return true
		}
	case *condition:
		if x.op == "is null" || x.op == "is true" || x.op == "is false" {
			return false
		}
	case *comparison:
		if x.op == "<=>" {
			return false
		}
	case *cast:
		if x.nulls || x.is.Kind == String {
			return true
		}
	case *expression.Binary:
		return true
	case *expression.Convert:
		if types.IsText(x.Type(s.Context)) {
			return true
		}
	case *expression.IsNull, *expression.IsTrue, *expression.NullSafeEquals:
		return false
	case *expression.UserVar, *expression.SystemVar:
		return e.IsNullable(s.Context)
	case sql.WindowAdaptableExpression:
		switch callName(e) {
		case "row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "":
			return false
		}
		return true
	default:
		name := callName(e)
		if nullAnyway[name] || name == "unix_timestamp" && len(e.Children()) > 0 {
			return true
		}
	}
	for _, ch := range e.Children() {
		if ch != nil && s.mayBeNull(ch) {
			return true
		}
	}
	return false
}

func (s *Shaper) mayBeNull(e sql.Expression) bool {
	if t, ok := e.(expression.Tuple); ok {
		for _, x := range t {
			if s.mayBeNull(x) {
				return true
			}
		}
		return false
	}
	if x, ok := e.(*expression.Interval); ok {
		return x.Child == nil || s.mayBeNull(x.Child)
	}
	sh := s.Of(e)
	return sh.Null
}

// chars is how many characters an argument's text has, false if nobody knows.
func (s *Shaper) chars(e sql.Expression) (int64, bool) {
	sh := s.Of(e)
	return sh.Chars(), sh.Length < MaxLongBlob
}

// textWidth is the most characters that the text of e, whose static type is a, may have.
func (s *Shaper) textWidth(e sql.Expression, a *Attr) (chars int64, ok bool) {
	switch x := e.(type) {
	case *given, *merged, *recoded:
		return s.chars(e.Children()[0])
	case *cast:
		if x.length >= 0 {
			return int64(x.length), true
		}
		return s.chars(x.Children()[0])
	case *expression.SystemVar:
		v, err := x.Eval(s.Context, nil)
		text, isText := v.(string)
		return int64(utf8.RuneCountInString(text)), err == nil && isText
	case *encoded:
		sh := s.Of(x.args[0].Expression)
		return sh.Length, sh.Length < MaxLongBlob
	case *expression.Binary:
		sh := s.Of(x.Child)
		return sh.Length, sh.Length < MaxLongBlob
	case *expression.Convert:
		return s.converted(x)
	case *expression.CollatedExpression:
		return s.chars(x.Children()[0])
	case *aggregation.GroupConcat:
		v, err := s.Context.GetSessionVariable(s.Context, "group_concat_max_len")
		n, isWhole := datum.Whole(v)
		return n, err == nil && isWhole
	}
	name, list := callName(e), e.Children()
	if n := fixedWidths[name]; n > 0 {
		return n, true
	}
	if f := callWidths[name]; f != nil && len(list) > 0 {
		return f(s, list)
	}
	if t, isString := a.typ.(sql.StringType); isString && t.MaxByteLength() <= maxVarchar && a.Kind == String {
		return t.MaxCharacterLength(), true
	}
	if a.Kind != String {
		n, ok := shownWidth(a)
		return int64(n), ok
	}
	return 0, false
}

// converted is the width of a CAST that the library evaluates, which has its length only in its text.
func (s *Shaper) converted(x *expression.Convert) (int64, bool) {
	text := x.String()
	to := text[strings.LastIndex(text, ", ")+1:]
	_, size, ok := strings.Cut(to, "(")
	if n, err := strconv.ParseInt(strings.TrimRight(size, ")"), 10, 64); ok && err == nil {
		return n, true
	}
	sh := s.Of(x.Child)
	return sh.Length, sh.Length < MaxLongBlob
}

// callWidths find the width of a call by its arguments.
var callWidths map[string]func(s *Shaper, list []sql.Expression) (int64, bool)

func init() { // the functions refer to the table
	first := func(s *Shaper, list []sql.Expression) (int64, bool) { return s.chars(list[0]) }
	part := func(s *Shaper, list []sql.Expression) (int64, bool) {
		n, ok := s.chars(list[0])
		if k, known := fixedNumber(list[len(list)-1]); known && (!ok || k < n) {
			return k, true
		}
		return n, ok
	}
	number := func(s *Shaper, list []sql.Expression) (int64, bool) {
		if len(list) < 2 {
			return 0, false
		}
		return fixedNumber(list[1])
	}
	callWidths = map[string]func(s *Shaper, list []sql.Expression) (int64, bool){
		"upper": first, "lower": first, "ucase": first, "lcase": first, "trim": first, "ltrim": first, "rtrim": first, "reverse": first, "substring_index": first,
		"left": part, "right": part, "lpad": number, "rpad": number, "concat": sumOfWidths, "elt": widestCall, "greatest": widestCall, "least": widestCall,
		"substring": substringWidth, "substr": substringWidth, "mid": substringWidth, "replace": replacedWidth, "insert": insertedWidth, "hex": hexWidth,
		"concat_ws": joinedWidth, "make_set": joinedWidth, "date_format": formattedWidth, "time_format": formattedWidth,
		"soundex": func(s *Shaper, list []sql.Expression) (int64, bool) { n, ok := s.chars(list[0]); return max(n, 4), ok },
		"quote":   func(s *Shaper, list []sql.Expression) (int64, bool) { n, ok := s.chars(list[0]); return 2*n + 2, ok },
		"char":    func(_ *Shaper, list []sql.Expression) (int64, bool) { return int64(4 * len(list)), true },
		"space":   func(s *Shaper, list []sql.Expression) (int64, bool) { return fixedNumber(list[len(list)-1]) },
		"repeat": func(s *Shaper, list []sql.Expression) (int64, bool) {
			n, ok := s.chars(list[0])
			k, known := fixedNumber(list[1])
			return n * k, ok && known
		},
		"format": func(s *Shaper, list []sql.Expression) (int64, bool) {
			n, ok := s.chars(list[0])
			k, known := fixedNumber(list[1])
			if !known {
				k = maxScale
			}
			return n + n/3 + 1 + k, ok
		},
		"to_base64": func(s *Shaper, list []sql.Expression) (int64, bool) {
			sh := s.Of(list[0])
			n := (sh.Length + 2) / 3 * 4
			return n + n/76, sh.Length < MaxLongBlob/2
		},
		"from_base64": func(s *Shaper, list []sql.Expression) (int64, bool) {
			sh := s.Of(list[0])
			return sh.Length * 3 / 4, sh.Length < MaxLongBlob
		},
		"sha2": func(_ *Shaper, list []sql.Expression) (int64, bool) {
			bits, known := fixedNumber(list[len(list)-1])
			if bits == 0 || !known {
				bits = 512
			}
			return bits / 4, true
		},
		"unhex": func(s *Shaper, list []sql.Expression) (int64, bool) {
			sh := s.Of(list[0])
			return (sh.Length + 1) / 2, sh.Length < MaxLongBlob
		},
		"aes_encrypt": func(s *Shaper, list []sql.Expression) (int64, bool) {
			sh := s.Of(list[0])
			return 16 * (sh.Length/16 + 1), sh.Length < MaxLongBlob
		},
		"aes_decrypt": first,
		"json_quote":  func(s *Shaper, list []sql.Expression) (int64, bool) { n, ok := s.chars(list[0]); return 6*n + 2, ok },
	}
}

// fixedNumber is a whole number that is not negative, false of what is none.
func fixedNumber(e sql.Expression) (int64, bool) {
	if x, ok := e.(*held); ok {
		e = x.of
	}
	l, ok := e.(*expression.Literal)
	if !ok {
		return 0, false
	}
	n, ok := datum.Whole(l.Value())
	return max(n, 0), ok && n < MaxLongBlob
}

func sumOfWidths(s *Shaper, list []sql.Expression) (int64, bool) {
	total := int64(0)
	for _, x := range list {
		n, ok := s.chars(x)
		if !ok {
			return 0, false
		}
		total += n
	}
	return total, true
}

func joinedWidth(s *Shaper, list []sql.Expression) (int64, bool) {
	between, ok := s.chars(list[0])
	n, known := sumOfWidths(s, list[1:])
	return n + between*int64(max(len(list)-2, 0)), ok && known
}

func widestCall(s *Shaper, list []sql.Expression) (int64, bool) {
	widest := int64(0)
	for _, x := range list {
		n, ok := s.chars(x)
		if !ok {
			return 0, false
		}
		widest = max(widest, n)
	}
	return widest, true
}

func substringWidth(s *Shaper, list []sql.Expression) (int64, bool) {
	n, ok := s.chars(list[0])
	if len(list) == 3 {
		if k, known := fixedNumber(list[2]); known && (!ok || k < n) {
			return k, true
		}
	}
	return n, ok
}

func replacedWidth(s *Shaper, list []sql.Expression) (int64, bool) {
	n, ok := s.chars(list[0])
	from, ok1 := s.chars(list[1])
	to, ok2 := s.chars(list[2])
	if more := to - from; more > 0 && from > 0 {
		n += n / from * more
	}
	return n, ok && ok1 && ok2
}

func insertedWidth(s *Shaper, list []sql.Expression) (int64, bool) {
	n, ok := s.chars(list[0])
	more, ok1 := s.chars(list[len(list)-1])
	return n + more, ok && ok1
}

func hexWidth(s *Shaper, list []sql.Expression) (int64, bool) {
	if a := Of(s.Context, list[0]); !a.text() {
		return 16, true
	}
	sh := s.Of(list[0])
	return sh.Length * 2, sh.Length < MaxLongBlob/2
}

// formattedWidth is how many characters a date has in a format.
func formattedWidth(s *Shaper, list []sql.Expression) (int64, bool) {
	l, ok := list[len(list)-1].(*expression.Literal)
	format, isText := "", false
	if ok {
		format, isText = l.Value().(string)
	}
	if !isText {
		n, ok := s.chars(list[len(list)-1])
		return 10 * n, ok
	}
	n := int64(0)
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			n++
			continue
		}
		i++
		if w := formatWidths[format[i]]; w > 0 {
			n += w
		} else {
			n += 2
		}
	}
	return n, true
}

var formatWidths = map[byte]int64{'M': 64, 'W': 64, 'D': 4, 'Y': 4, 'x': 4, 'X': 4, 'a': 32, 'b': 32, 'j': 3, 'u': 1, 'w': 1, '%': 1, 'f': 6, 'r': 11, 'T': 8}

// shownWidth is how many characters values other than strings have.
func shownWidth(a *Attr) (int, bool) {
	switch t := a.typ.(type) {
	case sql.EnumType:
		longest := 0
		for _, v := range t.Values() {
			longest = max(longest, utf8.RuneCountInString(v))
		}
		return longest, true
	case sql.SetType:
		all := 0
		for _, v := range t.Values() {
			all += utf8.RuneCountInString(v) + 1
		}
		return max(all-1, 0), true
	}
	return 0, false
}
