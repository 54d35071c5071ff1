package diff

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Outcome is all that a client sees of a statement.
type Outcome struct {
	Code     int // error number, 0 for success, -1 if the connection broke
	State    string
	Message  string
	Columns  []string
	Rows     []string // cells in quotes, NULL bare, separated by |
	IsRows   bool
	Affected uint64
	InsertID uint64
	Warnings []string // "Level code", in their order
	Said     []string // their messages
}

// Difference is how two outcomes disagree.
type Difference struct {
	What string // error, shape, columns, rows, affected, insert id, warnings
	A, B string // what the two servers said
}

// fold maps strings that are equal under the collations in use to one: case, accents and trailing spaces.
var fold = strings.NewReplacer("é", "e", "É", "e", "ä", "a", " '", "'")

func folded(rows []string) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		for {
			f := fold.Replace(strings.ToLower(r))
			if f == r {
				break
			}
			r = f
		}
		out[i] = r
	}
	return out
}

// minusZero is a zero that has kept its sign: whether a decimal zero has one is an accident of how it came about.
var minusZero = regexp.MustCompile(`'-(0|0\.0+)'`)

// Compare returns what of a step's outcome differs, nil if nothing does that must agree.
func Compare(s *Step, a, b Outcome) *Difference {
	if a.Code != b.Code || a.State != b.State {
		return &Difference{"error", a.fault(), b.fault()}
	}
	if a.Code != 0 {
		return nil
	}
	if a.IsRows != b.IsRows {
		return &Difference{"shape", a.String(), b.String()}
	}
	if !slices.Equal(a.Columns, b.Columns) {
		return &Difference{"columns", strings.Join(a.Columns, " "), strings.Join(b.Columns, " ")}
	}
	x, y := unsigned(a.Rows), unsigned(b.Rows)
	if s.Fold {
		x, y = folded(x), folded(y)
	}
	if !s.Ordered {
		x, y = slices.Sorted(slices.Values(x)), slices.Sorted(slices.Values(y))
	}
	switch {
	case !slices.Equal(x, y):
		return &Difference{"rows", strings.Join(a.Rows, "\n"), strings.Join(b.Rows, "\n")}
	case a.Affected != b.Affected:
		return &Difference{"affected", fmt.Sprint(a.Affected), fmt.Sprint(b.Affected)}
	case a.InsertID != b.InsertID:
		return &Difference{"insert id", fmt.Sprint(a.InsertID), fmt.Sprint(b.InsertID)}
	}
	// How often an expression is evaluated, and so how often it warns, is the plan's business.
	v, w := distinct(a.Warnings), distinct(b.Warnings)
	if !slices.Equal(v, w) {
		said := func(list []string, o Outcome) string {
			return strings.Join(list, ", ") + "\n" + strings.Join(distinct(o.Said), "\n")
		}
		return &Difference{"warnings", said(v, a), said(w, b)}
	}
	return nil
}

func unsigned(rows []string) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		if strings.Contains(r, "'-0") {
			r = minusZero.ReplaceAllString(r, "'$1'")
		}
		out[i] = r
	}
	return out
}

func distinct(s []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(s)))
}

func (o Outcome) fault() string {
	if o.Code == 0 {
		return o.String()
	}
	return fmt.Sprintf("error %d (%s) %s", o.Code, o.State, o.Message)
}

// String is the outcome for people.
func (o Outcome) String() string {
	switch {
	case o.Code != 0:
		return o.fault()
	case o.IsRows:
		return fmt.Sprintf("%d rows %s", len(o.Rows), strings.Join(o.Rows[:min(len(o.Rows), 20)], " / "))
	}
	return fmt.Sprintf("ok, %d affected, id %d", o.Affected, o.InsertID)
}
