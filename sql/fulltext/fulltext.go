// Package fulltext owns what a FULLTEXT index holds and what a search of it means: how texts are cut into words, which entries a row has
// (Index, a table.Extractor), how queries are read (query.go), and InnoDB's relevance (score.go).
//
// An entry is (word as the weights of the column's collation, how often the row has it, most often first). Positions are not kept: a phrase is
// looked for in the rows that have all its words, as InnoDB verifies it in the document too.
//
// Invariant: what a row's entries depend on is in the index's kind and its columns' collation (docs/format/key.md); a change of either is a new index.
package fulltext

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/collate"
)

// KindName begins the kind of every FULLTEXT index.
const KindName = "fulltext"

// Options say how texts are cut. They are fixed when the index is made.
type Options struct {
	Min, Max  int  // characters of a word that is indexed (innodb_ft_min_token_size, innodb_ft_max_token_size)
	Stopwords bool // words of a list are not indexed (innodb_ft_enable_stopword)
	NGram     int  // > 0: the ngram parser, of so many characters (ngram_token_size)
	// List is the list of stopwords as StopwordList makes it, empty for the default one (innodb_ft_server_stopword_table, innodb_ft_user_stopword_table).
	List string
}

// MostStopwords is how many bytes the words of a list have together: they are kept with the index.
const MostStopwords = 64 << 10

// StopwordList is a list of words for Options.
func StopwordList(words []string) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(url.QueryEscape(strings.ToLower(w)) + ",")
	}
	return orComma(b.String())
}

// orComma: a list without words is not the default one.
func orComma(list string) string {
	if list == "" {
		return ","
	}
	return list
}

// Default is InnoDB's configuration.
var Default = Options{Min: 3, Max: 84, Stopwords: true}

// Kind is the options as a table.Index keeps them.
func (o Options) Kind() string {
	kind := fmt.Sprintf("%s min=%d max=%d stop=%t ngram=%d", KindName, o.Min, o.Max, o.Stopwords, o.NGram)
	if o.List != "" {
		kind += wordsOfKind + o.List
	}
	return kind
}

const wordsOfKind = " words="

// ParseKind reads a kind back; ok is false for one of another sort.
func ParseKind(kind string) (o Options, ok bool) {
	kind, o.List, _ = strings.Cut(kind, wordsOfKind)
	n, err := fmt.Sscanf(kind, KindName+" min=%d max=%d stop=%t ngram=%d", &o.Min, &o.Max, &o.Stopwords, &o.NGram)
	return o, err == nil && n == 4
}

// DefaultStopwords are InnoDB's, in the order of INFORMATION_SCHEMA.INNODB_FT_DEFAULT_STOPWORD.
var DefaultStopwords = strings.Fields("a about an are as at be by com de en for from how i in is it la of on or that the this to was what when where who will with und the www")

var stopwords = setOf(DefaultStopwords)

func setOf(words []string) map[string]bool {
	out := make(map[string]bool, len(words))
	for _, w := range words {
		out[w] = true
	}
	return out
}

// stop is the set of the stopwords.
func (o Options) stop() map[string]bool {
	if !o.Stopwords || o.List == "" {
		return stopwords
	}
	var words []string
	for w := range strings.SplitSeq(o.List, ",") {
		if w, err := url.QueryUnescape(w); err == nil && w != "" {
			words = append(words, w)
		}
	}
	return setOf(words)
}

// Gap stands among a text's tokens for a word that is not indexed, Break for the end of a column: no phrase reaches over it.
const (
	Gap   = "\x00"
	Break = ""
)

// Analyzer cuts texts into words.
type Analyzer struct {
	Options
	coll    row.Collator
	words   map[string]bool // the stopwords
	longest int             // of them, in bytes
}

// NewAnalyzer returns one for columns of a collation.
func NewAnalyzer(o Options, collation uint16) *Analyzer {
	a := &Analyzer{Options: o, coll: collate.For(collation), words: o.stop()}
	for w := range a.words {
		a.longest = max(a.longest, len(w))
	}
	return a
}

// wordRune reports whether a character is part of words.
func wordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_'
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// each calls fn for each run of word characters.
func each(text string, fn func(word string)) {
	at := -1
	for i, r := range text {
		switch in := wordRune(r); {
		case in && at < 0:
			at = i
		case !in && at >= 0:
			fn(text[at:i])
			at = -1
		}
	}
	if at >= 0 {
		fn(text[at:])
	}
}

// Tokens appends the keys of a text's words, in order, with a Gap for each that is not indexed.
func (a *Analyzer) Tokens(dst []string, text string) []string {
	each(text, func(w string) { dst = a.token(dst, w) })
	return dst
}

func (a *Analyzer) token(dst []string, w string) []string {
	if a.NGram > 0 {
		return a.grams(dst, w)
	}
	if !a.indexed(w) {
		return append(dst, Gap)
	}
	return append(dst, a.key(w))
}

// grams appends the n-grams of a word; one with a stopword in it is a gap.
func (a *Analyzer) grams(dst []string, w string) []string {
	r := []rune(w)
	for i := 0; i+a.NGram <= len(r); i++ {
		g := string(r[i : i+a.NGram])
		if a.Stopwords && a.hasStopword(g) {
			dst = append(dst, Gap)
			continue
		}
		dst = append(dst, a.key(g))
	}
	return dst
}

func (a *Analyzer) hasStopword(g string) bool {
	for s := range a.words {
		if strings.Contains(strings.ToLower(g), s) {
			return true
		}
	}
	return false
}

func (a *Analyzer) indexed(w string) bool {
	n := utf8.RuneCountInString(w)
	return n >= a.Min && n <= a.Max && !(a.Stopwords && len(w) <= a.longest && a.words[strings.ToLower(w)])
}

func (a *Analyzer) key(w string) string {
	if a.coll == nil {
		return w
	}
	return string(a.coll.AppendWeights(nil, []byte(w)))
}

// Index makes the entries of a FULLTEXT index.
type Index struct {
	*Analyzer
	columns []int
}

var _ table.Extractor = (*Index)(nil)

// NewIndex returns what makes the entries of ix, whose kind o is.
func NewIndex(d *table.Def, ix *table.Index, o Options) *Index {
	x := &Index{}
	collation := uint16(0)
	for i, p := range ix.Parts {
		x.columns = append(x.columns, p.Column)
		if i == 0 {
			collation = d.Columns[p.Column].Collation
		}
	}
	x.Analyzer = NewAnalyzer(o, collation)
	return x
}

// Keys implements table.Extractor: the word, how often the row has it.
func (*Index) Keys() []row.KeyPart {
	return []row.KeyPart{{Class: row.Bytes}, {Class: row.Uint, Desc: true}}
}

// Entries implements table.Extractor.
func (x *Index) Entries(r []row.Datum, emit func([]row.Datum)) {
	counts := map[string]uint64{}
	var buf []string
	for _, c := range x.columns {
		if r[c].Null {
			continue
		}
		each(string(r[c].B), func(w string) {
			buf = x.token(buf[:0], w)
			for _, k := range buf {
				if k != Gap {
					counts[k]++
				}
			}
		})
	}
	var e [2]row.Datum
	for k, n := range counts {
		e[0], e[1] = row.FromBytes([]byte(k)), row.FromUint(n)
		emit(e[:])
	}
}
