package general

import "github.com/dolthub/go-mysql-server/sql/analyzer"

// replaceRule puts another rule in the place of one of the library's, which it is given. Batches share their rules with other analyzers: they are copied.
func replaceRule(a *analyzer.Analyzer, id string, replacement func(library analyzer.RuleFunc) analyzer.RuleFunc) {
	for _, b := range a.Batches {
		for i, r := range b.Rules {
			if r.Id.String() == id {
				b.Rules = append([]analyzer.Rule{}, b.Rules...)
				b.Rules[i].Apply = replacement(r.Apply)
				return
			}
		}
	}
	panic("general: the library's analyzer has no rule " + id)
}
