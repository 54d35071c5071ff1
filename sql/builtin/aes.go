package builtin

import (
	"strconv"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/aescrypt"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

func init() {
	for _, name := range []string{"aes_encrypt", "aes_decrypt"} {
		Lacking[name] = sql.FunctionN{Name: name, Fn: func(_ *sql.Context, args ...sql.Expression) (sql.Expression, error) {
			if len(args) < 2 || len(args) > 6 {
				return nil, sql.ErrInvalidArgumentNumber.New(name, "2 to 6", len(args))
			}
			return &aesCall{expression.NaryExpression{ChildExpressions: args}, name}, nil
		}}
	}
}

// aesCall is AES_ENCRYPT or AES_DECRYPT: text, passphrase, initialization vector, name of a key derivation and its options.
type aesCall struct {
	expression.NaryExpression
	name string
}

var _ sql.FunctionExpression = (*aesCall)(nil)
var _ sql.CollationCoercible = (*aesCall)(nil)

func (a *aesCall) FunctionName() string         { return a.name }
func (a *aesCall) Description() string          { return "encrypts or decrypts by AES" }
func (a *aesCall) Type(*sql.Context) sql.Type   { return types.LongBlob }
func (a *aesCall) IsNullable(*sql.Context) bool { return true }
func (a *aesCall) String() string               { return callText(a.name, a.ChildExpressions) }
func (a *aesCall) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 4
}

func (a *aesCall) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	return &aesCall{expression.NaryExpression{ChildExpressions: ch}, a.name}, nil
}

func (a *aesCall) Eval(c *sql.Context, r sql.Row) (any, error) {
	args := make([][]byte, len(a.ChildExpressions)) // nil for NULL
	for i, e := range a.ChildExpressions {
		v, err := e.Eval(c, r)
		if err != nil {
			return nil, err
		}
		if args[i], err = bytesValue(c, v); err != nil {
			return nil, err
		}
	}
	setting, err := c.GetSessionVariable(c, "block_encryption_mode")
	if err != nil {
		return nil, err
	}
	name, _ := setting.(string)
	mode := aescrypt.ParseMode(name)
	if mode.NeedsVector() {
		if len(args) < 3 {
			return nil, mysqlerr.New(mysqlerr.ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, a.name)
		}
		if args[2] != nil && len(args[2]) < aescrypt.VectorSize {
			return nil, mysqlerr.New(mysqlerr.ER_AES_INVALID_IV, a.name, aescrypt.VectorSize)
		}
	}
	if args[0] == nil || args[1] == nil || mode.NeedsVector() && args[2] == nil {
		return nil, nil
	}
	var vector []byte
	switch {
	case mode.NeedsVector():
		vector = args[2]
	case len(args) > 2 && len(args[2]) > 0:
		c.Warn(int(mysqlerr.WARN_OPTION_IGNORED), "%s", mysqlerr.New(mysqlerr.WARN_OPTION_IGNORED, "IV").Message)
	}
	key, err := aesKey(mode, args)
	if err != nil {
		return nil, err
	}
	if a.name == "aes_encrypt" {
		return mode.Encrypt(args[0], key, vector)
	}
	if out, ok := mode.Decrypt(args[0], key, vector); ok {
		return out, nil
	}
	return nil, nil
}

// aesKey makes the key of the passphrase.
func aesKey(mode aescrypt.Mode, args [][]byte) ([]byte, error) {
	if len(args) < 4 {
		return mode.Fold(args[1]), nil
	}
	options := args[3:]
	for _, o := range options {
		if o == nil || len(o) >= aescrypt.MaxOption {
			return nil, mysqlerr.New(mysqlerr.ER_AES_INVALID_KDF_OPTION_SIZE, aescrypt.MaxOption)
		}
	}
	var salt, last []byte
	if len(options) > 1 {
		salt = options[1]
	}
	if len(options) > 2 {
		last = options[2]
	}
	switch string(options[0]) {
	case "hkdf":
		return mode.HKDF(args[1], salt, last)
	case "pbkdf2_hmac":
		n := aescrypt.MinIterations
		if last != nil {
			var err error
			if n, err = strconv.Atoi(string(last)); err != nil || n < aescrypt.MinIterations || n > aescrypt.MaxIterations {
				return nil, mysqlerr.New(mysqlerr.ER_AES_INVALID_KDF_ITERATIONS)
			}
		}
		return mode.PBKDF2(args[1], salt, n)
	}
	return nil, mysqlerr.New(mysqlerr.ER_AES_INVALID_KDF_NAME)
}

// bytesValue is a value as bytes, nil for NULL.
func bytesValue(c *sql.Context, v any) ([]byte, error) {
	if v == nil {
		return nil, nil
	}
	v, _, err := types.LongBlob.Convert(c, v)
	if err != nil {
		return nil, err
	}
	b, _, err := sql.Unwrap[[]byte](c, v)
	if b == nil {
		b = []byte{}
	}
	return b, err
}
