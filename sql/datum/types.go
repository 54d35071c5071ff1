package datum

import (
	"fmt"
	"sync"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/planbuilder"
	"github.com/dolthub/go-mysql-server/sql/types"
)

var typeCache sync.Map // text -> sql.Type

// ParseType reads a type back from its text.
func ParseType(ctx *sql.Context, text string) (sql.Type, error) {
	if t, ok := typeCache.Load(text); ok {
		return t.(sql.Type), nil
	}
	t, err := planbuilder.ParseColumnTypeString(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("type %q: %w", text, err)
	}
	if types.IsTextOnly(t) || types.IsTextBlob(t) || !isListed(t) {
		typeCache.Store(text, t) // ENUM and SET texts are unbounded in number
	}
	return t, nil
}

func isListed(t sql.Type) bool { return types.IsEnum(t) || types.IsSet(t) }
