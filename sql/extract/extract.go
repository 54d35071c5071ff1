// Package extract hands the engine what makes the entries of the indexes that have a kind (engine.Options.Extract).
package extract

import (
	"fmt"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/fulltext"
	"github.com/zoryadb/zorya/sql/multi"
	"github.com/zoryadb/zorya/sql/spatial"
)

// For returns the extractor of an index, by its kind.
func For(d *table.Def, ix *table.Index) (table.Extractor, error) {
	if o, ok := fulltext.ParseKind(ix.Kind); ok {
		return fulltext.NewIndex(d, ix, o), nil
	}
	if ix.Kind == spatial.Kind {
		return spatial.NewIndex(ix), nil
	}
	if at, ok := multi.ParseKind(ix.Kind); ok && at < len(ix.Parts) {
		return multi.NewIndex(ix.Parts[at].Column), nil
	}
	return nil, fmt.Errorf("nobody knows indexes of the kind %q", ix.Kind)
}
