package builtin

import (
	"bytes"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// JSON_SCHEMA_VALID and JSON_SCHEMA_VALIDATION_REPORT, by draft 4 of JSON Schema. As in MySQL, references to other documents are refused, formats are
// not looked at, and keywords whose values are not what they must be are ignored.

func init() {
	for _, name := range []string{"json_schema_valid", "json_schema_validation_report"} {
		Replaced[name] = sql.FunctionN{Name: name, Fn: func(_ *sql.Context, args ...sql.Expression) (sql.Expression, error) {
			if len(args) != 2 {
				return nil, sql.ErrInvalidArgumentNumber.New(name, 2, len(args))
			}
			return &schemaCall{BinaryExpressionStub: expression.BinaryExpressionStub{LeftChild: args[0], RightChild: args[1]}, name: name}, nil
		}}
	}
}

type schemaCall struct {
	expression.BinaryExpressionStub
	name string
	last atomic.Pointer[keptSchema]
}

// keptSchema is the last schema, which mostly is a literal.
type keptSchema struct {
	text   string
	schema *jsonschema.Schema
}

func (s *schemaCall) report() bool                 { return s.name == "json_schema_validation_report" }
func (s *schemaCall) FunctionName() string         { return s.name }
func (s *schemaCall) Description() string          { return "whether a document is as a schema says" }
func (s *schemaCall) IsNullable(*sql.Context) bool { return true }
func (s *schemaCall) String() string {
	return s.name + "(" + s.LeftChild.String() + ", " + s.RightChild.String() + ")"
}
func (s *schemaCall) Type(*sql.Context) sql.Type {
	if s.report() {
		return types.JSON
	}
	return types.Int64
}

func (s *schemaCall) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 2 {
		return nil, sql.ErrInvalidChildrenNumber.New(s, len(ch), 2)
	}
	return &schemaCall{BinaryExpressionStub: expression.BinaryExpressionStub{LeftChild: ch[0], RightChild: ch[1]}, name: s.name}, nil
}

func (s *schemaCall) Eval(c *sql.Context, r sql.Row) (any, error) {
	schema, err := s.schema(c, r)
	if schema == nil || err != nil {
		return nil, err
	}
	doc, null, err := JSONArgument(c, r, s.RightChild, s.name, 2)
	if null || err != nil {
		return nil, err
	}
	text, err := types.JsonToMySqlBytes(c, types.JSONDocument{Val: doc}) // decimals and dates are not the validator's
	if err != nil {
		return nil, err
	}
	if doc, err = jsonschema.UnmarshalJSON(bytes.NewReader(text)); err != nil {
		return nil, err
	}
	wrong := schema.Validate(doc)
	if !s.report() {
		if wrong != nil {
			return int64(0), nil
		}
		return int64(1), nil
	}
	return types.JSONDocument{Val: schemaReport(wrong)}, nil
}

// schema is the first argument; nil: NULL.
func (s *schemaCall) schema(c *sql.Context, r sql.Row) (*jsonschema.Schema, error) {
	v, null, err := JSONArgument(c, r, s.LeftChild, s.name, 1)
	if null || err != nil {
		return nil, err
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, mysqlerr.New(mysqlerr.ER_INVALID_JSON_TYPE, 1, s.name, "object")
	}
	text, err := types.MarshallJsonValue(o)
	if err != nil {
		return nil, err
	}
	if kept := s.last.Load(); kept != nil && kept.text == string(text) {
		return kept.schema, nil
	}
	schema, err := compileSchema(string(text))
	if err == nil {
		s.last.Store(&keptSchema{string(text), schema})
	}
	return schema, err
}

// noDocuments loads none: a schema stands for itself.
type noDocuments struct{}

func (noDocuments) Load(string) (any, error) { return nil, errors.New("not loaded") }

// schemaURL names the schema itself.
const schemaURL = "mem:///schema"

// Formats that the library would look at.
var schemaFormats = strings.Fields("json-pointer relative-json-pointer uuid duration period ipv4 ipv6 hostname email date time date-time uri uri-reference uri-template semver regex iri iri-reference")

func compileSchema(text string) (*jsonschema.Schema, error) {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	root := v.(map[string]any)
	for _, name := range []string{"$schema", "id"} { // the draft is 4 whatever it says, and references are to this document
		delete(root, name)
	}
	for {
		c := jsonschema.NewCompiler()
		c.DefaultDraft(jsonschema.Draft4)
		c.UseLoader(noDocuments{})
		for _, name := range schemaFormats {
			c.RegisterFormat(&jsonschema.Format{Name: name, Validate: func(any) error { return nil }})
		}
		if err := c.AddResource(schemaURL, root); err != nil {
			return nil, err
		}
		schema, err := c.Compile(schemaURL)
		var load *jsonschema.LoadURLError
		var wrong *jsonschema.SchemaValidationError
		var at *jsonschema.ValidationError
		switch {
		case err == nil:
			return schema, nil
		case errors.As(err, &load):
			return nil, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "references in JSON Schema")
		case errors.As(err, &wrong) && errors.As(wrong.Err, &at) && ignore(root, at):
		default:
			return nil, mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, "JSON Schema")
		}
	}
}

// ignore removes the keyword from a schema that is wrong in it, false if there is none: each call removes one.
func ignore(root map[string]any, e *jsonschema.ValidationError) bool {
	for len(e.Causes) > 0 {
		e = e.Causes[0]
	}
	var within any = root
	for i, step := range e.InstanceLocation {
		o, ok := within.(map[string]any)
		if !ok {
			return false
		}
		next, ok := o[step]
		if !ok {
			return false
		}
		if _, deeper := next.(map[string]any); !deeper || i == len(e.InstanceLocation)-1 {
			delete(o, step)
			return true
		}
		within = next
	}
	return false
}

// schemaReport is what JSON_SCHEMA_VALIDATION_REPORT says.
func schemaReport(err error) map[string]any {
	var e *jsonschema.ValidationError
	if !errors.As(err, &e) {
		return map[string]any{"valid": true}
	}
	e = firstFault(e)
	keyword, place := "", e.InstanceLocation
	switch k := e.ErrorKind.(type) {
	case *kind.Not:
		keyword = "not"
	case *kind.Dependency:
		keyword = "dependencies"
	case *kind.AdditionalProperties:
		keyword = "additionalProperties"
		if len(k.Properties) > 0 {
			place = append(slices.Clip(place), slices.Min(k.Properties))
		}
	case *kind.ExclusiveMinimum:
		keyword = "minimum"
	case *kind.ExclusiveMaximum:
		keyword = "maximum"
	default:
		if p := e.ErrorKind.KeywordPath(); len(p) > 0 {
			keyword = p[0]
		}
	}
	doc, schema := "#", "#"
	for _, step := range place {
		doc += "/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(step))
	}
	if _, fragment, ok := strings.Cut(e.SchemaURL, "#"); ok {
		schema += fragment
	}
	return map[string]any{
		"valid": false, "document-location": doc, "schema-location": schema, "schema-failed-keyword": keyword,
		"reason": "The JSON document location '" + doc + "' failed requirement '" + keyword + "' at JSON Schema location '" + schema + "'",
	}
}

// firstFault is what a reader of the document finds first: the members of an object are read before it is known which ones it lacks. Alternatives
// are one fault.
func firstFault(e *jsonschema.ValidationError) *jsonschema.ValidationError {
	for {
		switch e.ErrorKind.(type) {
		case *kind.AllOf, *kind.AnyOf, *kind.OneOf, *kind.Not:
			return e
		}
		if len(e.Causes) == 0 {
			return e
		}
		e = slices.MinFunc(e.Causes, func(a, b *jsonschema.ValidationError) int {
			if inner := len(b.InstanceLocation) - len(a.InstanceLocation); inner != 0 {
				return inner
			}
			return slices.Compare(a.InstanceLocation, b.InstanceLocation)
		})
	}
}
