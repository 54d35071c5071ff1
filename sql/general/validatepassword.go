package general

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// The component that refuses weak passwords. As in MySQL it does nothing before INSTALL COMPONENT 'file://component_validate_password'; unlike there, its variables
// are always known.

const (
	validateComponent = "file://component_validate_password"
	componentsObject  = "components" // the catalog object with the installed ones
)

// Codes of MySQL's that the list of codes lacks.
const (
	codeComponentLoad   = 3529 // ER_COMPONENTS_CANT_LOAD
	codeComponentUnload = 3537 // ER_COMPONENTS_UNLOAD_NOT_LOADED
)

// componentVariables quotes the names of the component's variables in a SET: the library's grammar takes them for columns of a table.
func componentVariables(t *lexer.Cursor) (text string, ok bool) {
	last := 0
	for i := 0; i+2 < len(t.Tokens); i++ {
		if strings.EqualFold(t.At(i), "validate_password") && t.At(i+1) == "." && t.Kind(i-1) == lexer.Word {
			text += t.Src[last:t.Tokens[t.Pos+i].Start] + sqltext.Quote("validate_password."+t.At(i+2))
			last = t.Tokens[t.Pos+i+2].End
		}
	}
	return text + t.Src[last:], last > 0
}

// ownComponent is INSTALL COMPONENT and UNINSTALL COMPONENT; plugins are ownServer's.
func (s *Session) ownComponent(t *lexer.Cursor) (*Statement, error) {
	install := t.Word(0) == "INSTALL"
	if t.Word(1) != "COMPONENT" {
		return s.ownServer(t)
	}
	t.Pos += 2
	var urns []string
	for ok := true; ok; ok = t.Accept(",") {
		urn, is := secretText(t)
		if !is {
			return nil, s.wrong(t)
		}
		urns = append(urns, urn)
	}
	return s.done(t, &Statement{Class: DDL, run: func(c *sql.Context, s *Session, _ *execution) (*Result, error) {
		return &Result{}, s.changeComponents(c, install, urns)
	}})
}

// changeComponents installs or uninstalls all of them or none.
func (s *Session) changeComponents(c *sql.Context, install bool, urns []string) error {
	needs := map[bool]string{true: "INSERT", false: "DELETE"}[install]
	if !s.Allowed(needs) {
		return mysqlerr.New(mysqlerr.ER_TABLEACCESS_DENIED_ERROR, needs, s.login.AccountUser, s.login.AccountHost, "component")
	}
	defer s.e.accounts.lock(nil)()
	next := slices.Clone(*s.e.components.Load())
	for _, urn := range urns {
		at := slices.Index(next, urn)
		switch {
		case install && (at >= 0 || urn != validateComponent):
			return mysqlerr.NewMessage(codeComponentLoad, "Cannot load component from specified URN: '%s'.", urn)
		case install:
			next = append(next, urn)
		case at < 0:
			return mysqlerr.NewMessage(codeComponentUnload, "Component specified by URN '%s' to unload has not been loaded before.", urn)
		default:
			next = slices.Delete(next, at, at+1)
		}
	}
	body, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("write the components: %w", err)
	}
	if err := s.e.catalog.PutObjects(c, table.Object{Kind: kindPrivileges, Name: componentsObject, Body: body}); err != nil {
		return fmt.Errorf("write the components: %w", err)
	}
	s.e.components.Store(&next)
	return nil
}

func (e *Engine) loadComponents(ctx context.Context) error {
	o, err := e.catalog.Object(ctx, kindPrivileges, "", componentsObject)
	var list []string
	if err == nil && o != nil {
		err = json.Unmarshal(o.Body, &list)
	}
	if err != nil {
		return fmt.Errorf("read the components: %w", err)
	}
	e.components.Store(&list)
	return nil
}

// componentTable is mysql.component.
func componentTable(e *Engine, name string) *ownTable {
	return &ownTable{name: name, schema: mysqlColumns(name, "component_id", types.Uint32, "component_group_id", types.Uint32, "component_urn", types.Text), rows: func(*sql.Context) (out []sql.Row, _ error) {
		for i, urn := range *e.components.Load() {
			out = append(out, sql.Row{uint32(i + 1), uint32(i + 1), urn})
		}
		return out, nil
	}}
}

// validatePassword refuses a password that is too weak: 1819, where the component is installed.
func (s *Session) validatePassword(password string) error {
	if !slices.Contains(*s.e.components.Load(), validateComponent) {
		return nil
	}
	policy, wants := passwordPolicy()
	ok := !s.namedAfterUser(password)
	for level := policyLow; level <= policy && ok; level++ {
		ok = wants.satisfied(password, level)
	}
	if !ok {
		return mysqlerr.New(mysqlerr.ER_NOT_VALID_PASSWORD)
	}
	return nil
}

// namedAfterUser reports whether a password is the session's user name, forwards or backwards.
func (s *Session) namedAfterUser(password string) bool {
	if _, v, ok := sql.SystemVariables.GetGlobal("validate_password.check_user_name"); !ok || !truth(v) {
		return false
	}
	for _, user := range []string{s.login.User, s.login.AccountUser} {
		back := []rune(user)
		slices.Reverse(back)
		if user != "" && (password == user || password == string(back)) {
			return true
		}
	}
	return false
}

// Levels of validate_password.policy.
const (
	policyLow = iota
	policyMedium
	policyStrong
)

// passwordWants is what the component's variables demand.
type passwordWants struct {
	length, mixed, numbers, special int64
	dictionary                      string // name of a file of words
}

func passwordPolicy() (policy int, w passwordWants) {
	number := func(name string) int64 {
		_, v, _ := sql.SystemVariables.GetGlobal("validate_password." + name)
		return integer(v)
	}
	w = passwordWants{mixed: number("mixed_case_count"), numbers: number("number_count"), special: number("special_char_count")}
	w.length = max(number("length"), w.numbers+w.special+2*w.mixed) // MySQL raises the variable
	_, v, _ := sql.SystemVariables.GetGlobal("validate_password.dictionary_file")
	w.dictionary, _ = v.(string)
	policy = policyMedium
	if _, v, ok := sql.SystemVariables.GetGlobal("validate_password.policy"); ok {
		switch name, _ := v.(string); name {
		case "LOW":
			policy = policyLow
		case "STRONG":
			policy = policyStrong
		}
	}
	return policy, w
}

// satisfied reports whether a password has what a level adds to those below.
func (w passwordWants) satisfied(password string, level int) bool {
	switch level {
	case policyLow:
		return int64(utf8.RuneCountInString(password)) >= w.length
	case policyMedium:
		var upper, lower, digit, special int64
		for _, r := range password {
			switch {
			case unicode.IsUpper(r):
				upper++
			case unicode.IsLower(r):
				lower++
			case unicode.IsDigit(r):
				digit++
			default:
				special++
			}
		}
		return upper >= w.mixed && lower >= w.mixed && digit >= w.numbers && special >= w.special
	}
	return !inDictionary(w.dictionary, password)
}

// Bounds of a dictionary: of its file, and of the words that count.
const (
	maxDictionary   = 1 << 20
	minDictionary   = 4
	maxDictionaryIn = 100
)

// inDictionary reports whether a part of a password is a word of the file. A file that cannot be read has no words, as in MySQL.
func inDictionary(file, password string) bool {
	if file == "" {
		return false
	}
	if st, err := os.Stat(file); err != nil || !st.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxDictionary))
	if err != nil {
		return false
	}
	password = strings.ToLower(password)
	for word := range strings.Lines(strings.ToLower(string(data))) {
		word = strings.TrimSpace(word)
		if n := utf8.RuneCountInString(word); n >= minDictionary && n <= maxDictionaryIn && strings.Contains(password, word) {
			return true
		}
	}
	return false
}

// passwordStrength is VALIDATE_PASSWORD_STRENGTH: 0, 25, 50, 75 or 100; 0 where the component is not installed.
type passwordStrength struct{ expression.UnaryExpressionStub }

func strengthFunction(*Engine) sql.Function {
	return sql.Function1{Name: "validate_password_strength", Fn: func(_ *sql.Context, e sql.Expression) sql.Expression {
		return &passwordStrength{expression.UnaryExpressionStub{Child: e}}
	}}
}

func (p *passwordStrength) Type(*sql.Context) sql.Type { return types.Int32 }
func (p *passwordStrength) String() string {
	return "validate_password_strength(" + p.Child.String() + ")"
}

func (p *passwordStrength) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(p, len(ch), 1)
	}
	return &passwordStrength{expression.UnaryExpressionStub{Child: ch[0]}}, nil
}

func (p *passwordStrength) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := p.Child.Eval(c, r)
	if v == nil || err != nil {
		return nil, err
	}
	v, _, err = types.LongText.Convert(c, v)
	if err != nil {
		return nil, err
	}
	password, _, err := sql.Unwrap[string](c, v)
	s := sessionOf(c)
	if err != nil || s == nil || !slices.Contains(*s.e.components.Load(), validateComponent) || s.namedAfterUser(password) {
		return int32(0), err
	}
	if utf8.RuneCountInString(password) < 4 {
		return int32(0), nil
	}
	_, wants := passwordPolicy()
	strength := int32(25)
	for level := policyLow; level <= policyStrong && wants.satisfied(password, level); level++ {
		strength += 25
	}
	return strength, nil
}
