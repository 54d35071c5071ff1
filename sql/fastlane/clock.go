package fastlane

import (
	"time"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/temporal"
	"github.com/zoryadb/zorya/sql/wire"
)

// The time at which a statement began: NOW() and its like where a value may stand, DEFAULT CURRENT_TIMESTAMP and ON UPDATE CURRENT_TIMESTAMP. The
// normaliser takes the functions for arguments, so that plans know of no functions; Query.tell gives them their value.

// justDate is Arg.N of an ArgNow that has no time of day; else it is the number of digits of a second.
const justDate = 7

// clock takes a function that tells the statement's time, whose first word is text. ok is false when it is none, or stands where no value does.
func (n *normalizer) clock(text []byte) (ok bool) {
	switch len(text) {
	case 3, 7, 9, 12, 14, 17:
	default:
		return false
	}
	if n.operand || n.first1 || n.in != inNone {
		return false
	}
	a := Arg{Kind: ArgNow}
	call := false // only with parentheses, and these at once
	switch {
	case lexer.EqualFold(text, "NOW"):
		call = true
	case lexer.EqualFold(text, "CURDATE"):
		call, a.N = true, justDate
	case lexer.EqualFold(text, "CURRENT_DATE"):
		a.N = justDate
	case lexer.EqualFold(text, "CURRENT_TIMESTAMP") || lexer.EqualFold(text, "LOCALTIME") || lexer.EqualFold(text, "LOCALTIMESTAMP"):
	default:
		return false
	}
	at := n.l
	if call && (at.Pos >= len(at.Src) || at.Src[at.Pos] != '(') {
		return false
	}
	if t := at.Next(); t.Kind == lexer.Punct && at.Src[t.Start] == '(' {
		t = at.Next()
		if t.Kind == lexer.Int && a.N != justDate {
			digits := at.Text(t)
			if len(digits) != 1 || digits[0] > '6' {
				return false
			}
			a.N = uint64(digits[0] - '0')
			t = at.Next()
		}
		if t.Kind != lexer.Punct || at.Src[t.Start] != ')' {
			return false
		}
		n.l = at
	} else if t.Kind == lexer.Op && at.Src[t.Start] == '.' || t.Kind == lexer.Punct && at.Src[t.Start] == '.' {
		return false
	}
	n.q.clock = true
	return n.arg(a)
}

// tell gives the functions that tell the time their value.
func (q *Query) tell(now time.Time, zone *time.Location) {
	if !q.clock {
		return
	}
	if zone == nil {
		zone = time.UTC
	}
	now = now.In(zone)
	for _, args := range [...][]Arg{q.Args, q.List} {
		for i := range args {
			if a := &args[i]; a.Kind == ArgNow {
				*a = Arg{Kind: ArgTime, T: wallClock(now, a.N)}
			}
		}
	}
}

func wallClock(t time.Time, digits uint64) wire.DateTime {
	year, month, day := t.Date()
	d := wire.DateTime{Year: uint16(year), Month: uint8(month), Day: uint8(day)}
	if digits == justDate {
		return d
	}
	hour, minute, second := t.Clock()
	us := int64(t.Nanosecond() / 1000)
	d.Hour, d.Minute, d.Second, d.Micro = uint8(hour), uint8(minute), uint8(second), uint32(us-us%pow10[6-digits])
	return d
}

// keepsClock reports whether the text of a DEFAULT or ON UPDATE clause is CURRENT_TIMESTAMP in the column's precision, which is what the kind can be given without
// evaluating anything.
func (k *colKind) keepsClock(text string) bool {
	var q Query
	if !q.Normalize([]byte(text), nil) || len(q.Args) != 1 || string(q.Digest) != " ?" {
		return false
	}
	a := &q.Args[0]
	return (k.form == formDatetime || k.form == formTimestamp) && a.Kind == ArgNow && a.N == uint64(k.precision)
}

// now is the time as a column has it that keepsClock.
func (k *colKind) now(t time.Time, zone *time.Location) (row.Datum, bool) {
	unit := pow10[6-k.precision]
	if k.form == formTimestamp { // an instant: told wrongly neither when clocks are put back nor forward
		us := t.UnixMicro()
		us -= us % unit
		return row.FromInt(us), us >= 1e6 && us < 1<<31*1e6
	}
	if zone == nil {
		zone = time.UTC
	}
	t = t.In(zone)
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	micro := int64(t.Nanosecond() / 1000)
	v := temporal.Value{Year: year, Month: int(month), Day: day, Hour: hour, Minute: minute, Second: second, Micro: int(micro - micro%unit)}
	return row.FromInt(v.Packed()), year >= 1 && year <= 9999
}
