// Package locale owns MySQL's locales: the names that lc_time_names gives to months and days, and how FORMAT separates digits. A locale has a number, which
// SET lc_time_names takes as well.
package locale

import (
	_ "embed"
	"strings"
)

// Locale is one of them.
type Locale struct {
	Name      string
	Point     string // between a number's whole digits and its fraction
	Separator string // between groups of whole digits; "": there are none
	Narrow    bool   // all groups but the last have two digits, not three

	names []string // of the months, their short ones, the days from Monday, their short ones
}

// Month is a month's name; month is 1 to 12.
func (l *Locale) Month(month int) string { return l.names[month-1] }

// ShortMonth is its short one.
func (l *Locale) ShortMonth(month int) string { return l.names[12+month-1] }

// Day is a weekday's name; 0 is Monday.
func (l *Locale) Day(weekday int) string { return l.names[24+weekday] }

// ShortDay is its short one.
func (l *Locale) ShortDay(weekday int) string { return l.names[31+weekday] }

// locales.txt has a locale a line, in the order of their numbers: its name, point, separator, the sizes of groups, and the names, or = and a locale with the same.
//
//go:embed locales.txt
var text string

var (
	all    []*Locale
	byName = map[string]*Locale{}
)

func init() {
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		l := &Locale{Name: fields[0], Point: fields[1], Separator: fields[2], Narrow: fields[3] == "32"}
		if same, ok := strings.CutPrefix(fields[4], "="); ok {
			l.names = byName[strings.ToLower(same)].names
		} else {
			l.names = strings.Split(fields[4], ";")
		}
		all = append(all, l)
		byName[strings.ToLower(l.Name)] = l
	}
}

// English is en_US, the locale unless another is set.
func English() *Locale { return all[0] }

// Find is the locale of a name, in whatever case; nil: there is none.
func Find(name string) *Locale { return byName[strings.ToLower(name)] }

// Numbered is the locale of a number; nil: there is none.
func Numbered(n int64) *Locale {
	if n < 0 || n >= int64(len(all)) {
		return nil
	}
	return all[n]
}
