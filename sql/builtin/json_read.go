package builtin

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function/json"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/jsondoc"
	"github.com/zoryadb/zorya/sql/jsonpath"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// JSON functions that look for values by paths. The library's know neither last, ranges, ** nor that a scalar is an array of one element, and have
// errors of their own; each of ours embeds or calls the library's for all but that.

// jsonReaders are the functions that take the place of the library's.
func jsonReaders() []sql.Function {
	return []sql.Function{
		sql.FunctionN{Name: "json_extract", Fn: newJSONExtract},
		sql.FunctionN{Name: "json_contains_path", Fn: newJSONContainsPath},
		sql.FunctionN{Name: "json_search", Fn: newJSONSearch},
	}
}

// Extract is JSON_EXTRACT.
type Extract struct {
	*json.JSONExtract
	paths []parsedPath
}

func newJSONExtract(c *sql.Context, args ...sql.Expression) (sql.Expression, error) {
	e, err := json.NewJSONExtract(c, args...)
	if err != nil {
		return nil, err
	}
	return NewExtract(e.(*json.JSONExtract)), nil
}

// NewExtract is ours for the library's, which the planner makes of -> as well.
func NewExtract(e *json.JSONExtract) *Extract {
	return &Extract{e, make([]parsedPath, len(e.Paths))}
}

func (j *Extract) IsNullable(*sql.Context) bool { return true }

func (j *Extract) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	return newJSONExtract(c, ch...)
}

func (j *Extract) Eval(c *sql.Context, r sql.Row) (any, error) {
	doc, null, err := JSONArgument(c, r, j.JSON, "json_extract", 1)
	if null || err != nil {
		return nil, err
	}
	var found []any
	many := len(j.Paths) > 1
	for i := range j.Paths {
		p, err := j.paths[i].of(c, r, j.Paths[i])
		if p == nil || err != nil {
			return nil, err
		}
		if p.Many() {
			many = true
			p.Find(doc, func(_ *jsonpath.Place, v any) bool {
				found = append(found, v)
				return true
			})
		} else if v, ok := p.One(doc); ok {
			found = append(found, v)
		}
	}
	switch {
	case len(found) == 0:
		return nil, nil
	case many:
		return types.JSONDocument{Val: found}, nil
	}
	return jsondoc.Wrap(found[0]), nil
}

// jsonContainsPath is JSON_CONTAINS_PATH.
type jsonContainsPath struct {
	*json.JSONContainsPath
	paths []parsedPath
}

func newJSONContainsPath(c *sql.Context, args ...sql.Expression) (sql.Expression, error) {
	e, err := json.NewJSONContainsPath(c, args...)
	if err != nil {
		return nil, err
	}
	return &jsonContainsPath{e.(*json.JSONContainsPath), make([]parsedPath, len(args))}, nil
}

func (j *jsonContainsPath) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	return newJSONContainsPath(c, ch...)
}

func (j *jsonContainsPath) Eval(c *sql.Context, r sql.Row) (any, error) {
	args := j.Children()
	doc, null, err := JSONArgument(c, r, args[0], "json_contains_path", 1)
	if null || err != nil {
		return nil, err
	}
	all, null, err := oneOrAll(c, r, args[1], "json_contains_path")
	if null || err != nil {
		return nil, err
	}
	for i := 2; i < len(args); i++ {
		p, err := j.paths[i].of(c, r, args[i])
		if p == nil || err != nil {
			return nil, err
		}
		found := false
		p.Find(doc, func(*jsonpath.Place, any) bool {
			found = true
			return false
		})
		if found != all {
			return found, nil
		}
	}
	return all, nil
}

// oneOrAll reads that argument.
func oneOrAll(c *sql.Context, r sql.Row, e sql.Expression, function string) (all, null bool, err error) {
	v, err := e.Eval(c, r)
	if err != nil || v == nil {
		return false, true, err
	}
	t, _, err := types.LongText.Convert(c, v)
	if err != nil {
		return false, false, err
	}
	switch s, _ := t.(string); strings.ToLower(s) {
	case "one":
		return false, false, nil
	case "all":
		return true, false, nil
	}
	return false, false, mysqlerr.New(mysqlerr.ER_JSON_BAD_ONE_OR_ALL_ARG, function)
}

// jsonSearch is JSON_SEARCH.
type jsonSearch struct {
	*json.JSONSearch
	paths []parsedPath
}

func newJSONSearch(c *sql.Context, args ...sql.Expression) (sql.Expression, error) {
	e, err := json.NewJSONSearch(c, args...)
	if err != nil {
		return nil, err
	}
	s := e.(*json.JSONSearch)
	return &jsonSearch{s, make([]parsedPath, len(s.Paths))}, nil
}

func (j *jsonSearch) IsNullable(*sql.Context) bool { return true }

func (j *jsonSearch) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	return newJSONSearch(c, ch...)
}

// TextArgument is the text that e is; null: it is NULL.
func TextArgument(c *sql.Context, r sql.Row, e sql.Expression) (text string, null bool, err error) {
	v, err := e.Eval(c, r)
	if err != nil || v == nil {
		return "", true, err
	}
	t, _, err := types.LongText.Convert(c, item.TextOf(c, e, v))
	text, _ = t.(string)
	return text, false, err
}

func (j *jsonSearch) Eval(c *sql.Context, r sql.Row) (any, error) {
	doc, null, err := JSONArgument(c, r, j.JSON, "json_search", 1)
	if null || err != nil {
		return nil, err
	}
	all, null, err := oneOrAll(c, r, j.OneOrAll, "json_search")
	if null || err != nil {
		return nil, err
	}
	pattern, null, err := TextArgument(c, r, j.Search)
	if null || err != nil {
		return nil, err
	}
	escape := '\\'
	if j.Escape != nil {
		s, null, err := TextArgument(c, r, j.Escape)
		if err != nil {
			return nil, err
		}
		switch chars := []rune(s); {
		case null || len(chars) == 0:
		case len(chars) > 1:
			return nil, mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, "ESCAPE")
		default:
			escape = chars[0]
		}
	}
	like, err := expression.ConstructLikeMatcher(sql.Collation_utf8mb4_bin, pattern, escape)
	if err != nil {
		return nil, err
	}
	places, err := j.places(c, r, doc, all, like.Match)
	switch {
	case err != nil || len(places) == 0:
		return nil, err
	case len(places) == 1:
		return types.JSONDocument{Val: places[0]}, nil
	}
	return types.JSONDocument{Val: places}, nil
}

// places are where the texts stand that match, within what the paths select.
func (j *jsonSearch) places(c *sql.Context, r sql.Row, doc any, all bool, match func(string) bool) ([]any, error) {
	var places []any
	seen := map[string]bool{}
	look := func(at *jsonpath.Place, v any) bool {
		return jsonpath.Each(at, v, func(at *jsonpath.Place, v any) bool {
			text, ok := v.(string)
			if !ok || !match(text) {
				return true
			}
			if place := at.String(); !seen[place] {
				seen[place] = true
				places = append(places, place)
			}
			return all
		})
	}
	if len(j.Paths) == 0 {
		look(nil, doc)
	}
	paths := make([]*jsonpath.Path, len(j.Paths))
	for i := range j.Paths {
		p, err := j.paths[i].of(c, r, j.Paths[i])
		if p == nil || err != nil {
			return nil, err
		}
		paths[i] = p
	}
	for _, p := range paths {
		if p.Find(doc, look); len(places) > 0 && !all {
			break
		}
	}
	return places, nil
}
