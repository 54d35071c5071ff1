package fastlane

import (
	"bytes"
	"encoding/hex"
	"math"
	"strconv"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/wire"
)

// ArgKind is what an argument was written as.
type ArgKind uint8

// Kinds of arguments.
const (
	ArgNull    ArgKind = iota
	ArgInt             // Arg.N, negative: Arg.Neg
	ArgString          // Arg.B, unescaped
	ArgBinary          // Arg.B: of _binary'...', 0x... or x'...' in VALUES
	ArgDecimal         // Arg.B: digits with at most one point; negative: Arg.Neg
	ArgFloat           // Arg.N: IEEE 754 bits, the sign in them
	ArgTime            // Arg.T: a DATE or DATETIME parameter
	ArgNow             // NOW() and its like, until Query.tell makes it an ArgTime; Arg.N: digits of a second, or justDate
	ArgOther           // a literal or parameter that plans do not take: its presence declines
	argParam           // in a Template: parameter Arg.N
)

// Arg is a literal of the text or a parameter of a prepared statement.
type Arg struct {
	Kind ArgKind
	Neg  bool   // of ArgInt: the value is -N
	N    uint64 // magnitude
	B    []byte // valid while the statement runs
	T    wire.DateTime
}

// Query is a normalised statement. It is reused: Normalize overwrites it.
type Query struct {
	Digest []byte
	// Args are the arguments outside of lists, in order; List those of the VALUES groups and IN lists.
	Args []Arg
	List []Arg
	// Groups is the number of VALUES groups, whose arguments are the first of List; 0 when there is none.
	Groups  int
	Lists   []List
	scratch []byte // unescaped strings
	clock   bool   // an argument is an ArgNow
}

// List is an IN list: Count members of Width arguments each, from List[First] on. In the digest one member stands for all.
type List struct{ First, Count, Width int }

// Several reports whether the statement has more VALUES groups than one, or a list of more members.
func (q *Query) Several() bool {
	several := q.Groups > 1
	for i := range q.Lists {
		several = several || q.Lists[i].Count > 1
	}
	return several
}

// reset empties q for the next text.
func (q *Query) reset() {
	q.Digest, q.Args, q.List, q.Lists, q.scratch = q.Digest[:0], q.Args[:0], q.List[:0], q.Lists[:0], q.scratch[:0]
	q.Groups, q.clock = 0, false
}

// maxFast bounds the texts that are looked at; longer ones are bulk loads of odd shape.
const maxFast = 16 << 20

// collapsed is the mark that follows a group or list member which stands for any number of them.
const collapsed = '{'

// Normalize cuts text into digest and arguments. params are the values for ? of a prepared statement. It reports false for texts
// that no plan could stand for.
func (q *Query) Normalize(text []byte, params []wire.Param) bool {
	q.reset()
	if len(text) > maxFast {
		return false
	}
	n := normalizer{q: q, l: lexer.Lexer{Src: text}, params: params}
	return n.run()
}

// template normalises the text of a statement whose parameters are not known yet, and counts them.
func (q *Query) template(text []byte) (params int, ok bool) {
	q.reset()
	n := normalizer{q: q, l: lexer.Lexer{Src: text}, template: true}
	ok = n.run()
	return n.count, ok
}

type normalizer struct {
	q      *Query
	l      lexer.Lexer
	params []wire.Param

	template bool // parameters have no values
	count    int  // of parameters, in a template

	operand bool // the token before ends an operand: a minus is binary
	first1  bool // the token before is SELECT, SELECT( or COUNT(: a number here names its column
	counts  bool // the token before is COUNT
	insert  bool // INSERT or REPLACE
	values  bool // in the groups of VALUES
	depth   int
	first   []byte // digest of the first VALUES group
	start   int    // where the current group begins in the digest
	end     int    // where the first group ended
	comma   bool   // a comma between VALUES groups awaits its group
	in      inState
	width   int // arguments of the current list member
}

type inState uint8

const (
	inNone   inState = iota
	inWord           // IN was seen
	inOpen           // IN (, or a comma behind a member
	inMember         // a member has ended
	inTuple          // within a tuple: an argument must follow
	inValue          // within a tuple, behind an argument
)

func (n *normalizer) run() bool {
	for {
		t := n.l.Next()
		ok := true
		switch t.Kind {
		case lexer.EOF:
			return len(n.q.Digest) > 0 && len(n.params) == 0 && n.in == inNone && !n.comma
		case lexer.Bad, lexer.UserVar, lexer.Bit:
			return false
		case lexer.Hex:
			ok = n.values && n.depth > 0 && !n.operand && n.hexArg(n.l.Text(t))
		case lexer.Hint:
			if !harmless(n.l.Text(t)) {
				return false
			}
			continue
		case lexer.Param:
			if n.template {
				ok = n.arg(Arg{Kind: argParam, N: uint64(n.count)})
				n.count++
				break
			}
			if len(n.params) == 0 {
				return false
			}
			ok = n.arg(paramArg(&n.params[0]))
			n.params = n.params[1:]
		case lexer.Int, lexer.Decimal, lexer.Float:
			if n.first1 {
				ok = n.put(n.l.Text(t), true)
				break
			}
			ok = n.arg(n.number(t.Kind, n.l.Text(t), false))
		case lexer.String:
			ok = n.stringArg(n.l.Text(t), ArgString)
		case lexer.Word:
			ok = n.word(n.l.Text(t))
		case lexer.Op:
			ok = n.operator(n.l.Text(t))
		case lexer.Punct:
			ok = n.punct(n.l.Src[t.Start])
		default:
			ok = n.put(n.l.Text(t), true)
		}
		if !ok {
			return false
		}
	}
}

// put appends a token to the digest.
func (n *normalizer) put(text []byte, operand bool) bool {
	if n.in != inNone || n.comma {
		return false // something else than a list of literals
	}
	n.q.Digest = append(append(n.q.Digest, ' '), text...)
	n.operand, n.first1, n.counts = operand, false, false
	return true
}

// harmless reports whether a comment holds another product's hints, as benchmarks carry them. MySQL's own are the general lane's, which honours them and
// warns of what is wrong with them.
func harmless(hint []byte) bool {
	return bytes.HasPrefix(bytes.ToUpper(bytes.TrimLeft(hint, "/*+ ")), []byte("TIDB_"))
}

// word handles words. NULL stays a word, except as a value in VALUES; TRUE and FALSE are the numbers that they are where a value may stand.
func (n *normalizer) word(text []byte) bool {
	switch len(text) {
	case 2:
		if lexer.EqualFold(text, "IN") {
			if n.in != inNone || n.values {
				return false
			}
			n.q.Digest = append(append(n.q.Digest, ' '), "IN"...)
			n.in, n.operand = inWord, false
			return true
		}
	case 4:
		if lexer.EqualFold(text, "NULL") && !n.operand && n.values {
			return n.arg(Arg{Kind: ArgNull})
		}
		if n.truth(text, "TRUE") {
			return n.arg(Arg{Kind: ArgInt, N: 1})
		}
	case len(binaryIntroducer):
		if n.values && n.depth > 0 && !n.operand && lexer.EqualFold(text, binaryIntroducer) {
			t := n.l.Next()
			return t.Kind == lexer.String && n.stringArg(n.l.Text(t), ArgBinary)
		}
	case 5, 6:
		if n.truth(text, "FALSE") {
			return n.arg(Arg{Kind: ArgInt})
		}
		if n.insert && n.in == inNone && n.depth == 0 && n.q.Groups == 0 && (lexer.EqualFold(text, "VALUES") || lexer.EqualFold(text, "VALUE")) {
			n.values, n.operand = true, false
			n.q.Digest = append(append(n.q.Digest, ' '), "VALUES"...)
			return true
		}
	}
	if n.clock(text) {
		return true
	}
	if n.values && n.depth == 0 { // behind the groups
		n.values = false
	}
	if len(n.q.Digest) == 0 {
		n.insert = lexer.EqualFold(text, "INSERT") || lexer.EqualFold(text, "REPLACE")
	}
	selects := len(text) == 6 && lexer.EqualFold(text, "SELECT")
	if selects && n.in == inOpen && n.list().Count == 0 { // IN (SELECT ...): no list
		n.in, n.q.Lists = inNone, n.q.Lists[:len(n.q.Lists)-1]
		n.depth++
	}
	if !n.put(text, !keyword(text)) {
		return false
	}
	n.first1 = selects
	n.counts = len(text) == 5 && lexer.EqualFold(text, "COUNT")
	return true
}

// truth recognises TRUE or FALSE as a value. Behind SELECT it is left a word: the column's name is the word's.
func (n *normalizer) truth(text []byte, word string) bool {
	return !n.operand && !n.first1 && lexer.EqualFold(text, word)
}

// binaryIntroducer stands before the strings of binary columns in MySQL's dumps.
const binaryIntroducer = "_BINARY"

// keyword names the words after which an operand begins: a minus is a sign rather than an operator, a string stands for itself.
func keyword(w []byte) bool {
	switch len(w) {
	case 2:
		return lexer.EqualFold(w, "OR") || lexer.EqualFold(w, "BY") || lexer.EqualFold(w, "ON")
	case 3:
		return lexer.EqualFold(w, "AND") || lexer.EqualFold(w, "SET") || lexer.EqualFold(w, "NOT")
	case 4:
		return lexer.EqualFold(w, "LIKE")
	case 5:
		return lexer.EqualFold(w, "LIMIT") || lexer.EqualFold(w, "WHERE")
	case 6:
		return lexer.EqualFold(w, "SELECT") || lexer.EqualFold(w, "OFFSET") || lexer.EqualFold(w, "BINARY")
	case 7:
		return lexer.EqualFold(w, "BETWEEN")
	}
	return false
}

// operator folds a sign into the number behind it.
func (n *normalizer) operator(text []byte) bool {
	if len(text) == 1 && text[0] == '-' && !n.operand {
		t := n.l.Next()
		if t.Kind != lexer.Int && t.Kind != lexer.Decimal && t.Kind != lexer.Float {
			return false
		}
		return n.arg(n.number(t.Kind, n.l.Text(t), true))
	}
	return n.put(text, false)
}

func (n *normalizer) punct(c byte) bool {
	switch c {
	case collapsed, '}', ':':
		return false
	case ';': // only at the end
		return n.l.Next().Kind == lexer.EOF && n.finish()
	case '(':
		switch n.in {
		case inWord:
			n.in = inOpen
			n.q.Digest = append(n.q.Digest, " ("...)
			n.q.Lists = append(n.q.Lists, List{First: len(n.q.List)})
			return true
		case inOpen:
			n.in, n.width = inTuple, 0
			if n.list().Count == 0 {
				n.q.Digest = append(n.q.Digest, " ("...)
			}
			return true
		}
		if n.values && n.depth == 0 {
			if n.comma != (n.q.Groups > 0) {
				return false
			}
			n.comma = false
			n.start = len(n.q.Digest)
		}
		n.depth++
		names := n.counts || n.first1
		ok := n.put([]byte{c}, false)
		n.first1 = names
		return ok
	case ')':
		switch n.in {
		case inValue:
			if n.list().Count == 0 {
				n.q.Digest = append(n.q.Digest, " )"...)
			}
			return n.member()
		case inMember:
			n.in = inNone
			n.q.Digest = append(n.q.Digest, ' ', collapsed, ' ', ')')
			n.operand = true
			return true
		}
		n.depth--
		if !n.put([]byte{c}, true) {
			return false
		}
		if n.values && n.depth == 0 {
			return n.group()
		}
		return true
	case ',':
		switch n.in {
		case inMember:
			n.in = inOpen
			return true
		case inValue:
			n.in = inTuple
			if n.list().Count == 0 {
				n.q.Digest = append(n.q.Digest, " ,"...)
			}
			return true
		}
		if n.values && n.depth == 0 && n.q.Groups > 0 {
			again := n.comma
			n.operand, n.comma = false, true
			return !again // between groups: not part of the digest
		}
	}
	return n.put([]byte{c}, false)
}

// list is the IN list that is being read.
func (n *normalizer) list() *List { return &n.q.Lists[len(n.q.Lists)-1] }

// member ends a member of an IN list: all have the same width.
func (n *normalizer) member() bool {
	l := n.list()
	if l.Count > 0 && l.Width != n.width {
		return false
	}
	l.Width = n.width
	l.Count++
	n.in = inMember
	return true
}

// finish steps back so that run sees the end again.
func (n *normalizer) finish() bool {
	n.l.Pos = len(n.l.Src)
	return true
}

// group ends a VALUES group: all must have the first one's digest, which stands for them.
func (n *normalizer) group() bool {
	d := n.q.Digest
	n.q.Groups++
	if n.q.Groups == 1 {
		n.end = len(d)
		n.first = d[n.start:n.end]
		n.groupsLike(n.first, len(n.q.List))
		n.q.Digest = append(d, ' ', collapsed)
		return true
	}
	if string(d[n.start:]) != string(n.q.Digest[n.end-len(n.first):n.end]) {
		return false
	}
	n.q.Digest = d[:n.start]
	return true
}

func (n *normalizer) arg(a Arg) bool {
	n.first1, n.counts = false, false
	switch n.in {
	case inNone:
		n.operand = true
		n.q.Digest = append(n.q.Digest, " ?"...)
		if n.values {
			n.q.List = append(n.q.List, a)
		} else {
			n.q.Args = append(n.q.Args, a)
		}
		return true
	case inOpen, inTuple:
		n.q.List = append(n.q.List, a)
		if n.list().Count == 0 {
			n.q.Digest = append(n.q.Digest, " ?"...)
		}
		if n.in == inOpen {
			n.width = 1
			return n.member()
		}
		n.width++
		n.in = inValue
		return true
	}
	return false
}

// number reads a numeric literal.
func (n *normalizer) number(k lexer.Kind, text []byte, neg bool) Arg {
	switch {
	case k == lexer.Decimal && len(text) <= maxDecimal+1:
		return Arg{Kind: ArgDecimal, B: text, Neg: neg}
	case k == lexer.Int && len(text) <= 19:
		var v uint64
		for _, c := range text {
			v = v*10 + uint64(c-'0')
		}
		return Arg{Kind: ArgInt, N: v, Neg: neg && v != 0}
	case k == lexer.Int && len(text) == 20 && !neg: // LIMIT 18446744073709551615
		if v, err := strconv.ParseUint(string(text), 10, 64); err == nil {
			return Arg{Kind: ArgInt, N: v}
		}
	}
	return Arg{Kind: ArgOther}
}

// maxDecimal bounds the digits of decimal literals.
const maxDecimal = 38

// stringArg unescapes a string literal.
func (n *normalizer) stringArg(text []byte, kind ArgKind) bool {
	quote := text[0]
	if quote != '\'' && quote != '"' { // N'...'
		return false
	}
	if n.in == inNone && n.operand && len(n.q.Digest) > 0 || n.first1 { // 'a' 'b' concatenates, _utf8'a' introduces: leave both
		return false
	}
	body := text[1 : len(text)-1]
	if bytes.IndexByte(body, '\\') < 0 && bytes.IndexByte(body, quote) < 0 {
		return n.arg(Arg{Kind: kind, B: body})
	}
	return n.arg(Arg{Kind: kind, B: n.unescaped(body, quote)})
}

// unescaped is a literal's body with its escapes resolved, in scratch.
func (n *normalizer) unescaped(body []byte, quote byte) []byte {
	at := n.room(len(body))
	n.q.scratch = lexer.AppendUnescaped(n.q.scratch, body, quote)
	return n.q.scratch[at:len(n.q.scratch):len(n.q.scratch)]
}

// hexArg reads 0x... and x'...'. An odd number of digits is left to those who know what it means.
func (n *normalizer) hexArg(text []byte) bool {
	digits := text[2:]
	if text[1] == '\'' {
		digits = digits[:len(digits)-1]
	}
	at := n.room(len(digits) / 2)
	n.q.scratch = n.q.scratch[:at+len(digits)/2]
	if _, err := hex.Decode(n.q.scratch[at:], digits); err != nil {
		return false
	}
	return n.arg(Arg{Kind: ArgBinary, B: n.q.scratch[at:len(n.q.scratch):len(n.q.scratch)]})
}

// room sees that scratch can take size more bytes, and returns where they begin.
func (n *normalizer) room(size int) int {
	if cap(n.q.scratch)-len(n.q.scratch) < size { // earlier arguments keep the old array
		n.q.scratch = make([]byte, 0, max(1024, 2*size, min(2*cap(n.q.scratch), 1<<20)))
	}
	return len(n.q.scratch)
}

func paramArg(p *wire.Param) Arg {
	switch p.Kind {
	case wire.ParamNull:
		return Arg{Kind: ArgNull}
	case wire.ParamInt:
		v := p.Int()
		if v < 0 {
			return Arg{Kind: ArgInt, Neg: true, N: uint64(-v)}
		}
		return Arg{Kind: ArgInt, N: uint64(v)}
	case wire.ParamUint:
		return Arg{Kind: ArgInt, N: p.Uint()}
	case wire.ParamString:
		return Arg{Kind: ArgString, B: p.Bytes()}
	case wire.ParamFloat:
		return Arg{Kind: ArgFloat, N: math.Float64bits(p.Float())}
	case wire.ParamDate, wire.ParamDateTime:
		return Arg{Kind: ArgTime, T: p.DateTime()}
	}
	return Arg{Kind: ArgOther}
}
