package table

import (
	"context"

	"github.com/zoryadb/zorya/storage/page"
)

// CheckOptions say what a Checker looks at.
type CheckOptions struct {
	// Tables are the tables to be checked, as {schema, name}. nil: the whole instance, with the space map, the undo logs and what belongs to nobody.
	Tables [][2]string
	// Quick spares comparing rows with their secondary entries; trees, rows and pages are still read.
	Quick bool
	// Progress, if not nil, is called every now and then, from one goroutine.
	Progress func(CheckProgress)
}

// CheckProgress says how far a check is.
type CheckProgress struct {
	Table         string // schema.name of the table at hand; "" between tables
	Tables, Total int    // tables done, tables in all
	Pages, Rows   uint64 // so far
}

// Problem is one piece of damage.
type Problem struct {
	Schema string `json:"schema,omitempty"`
	Table  string `json:"table,omitempty"` // "": it is no table's
	Index  string `json:"index,omitempty"`
	Text   string `json:"text"`
}

// CheckReport is what a check has seen.
type CheckReport struct {
	LSN            page.LSN  `json:"lsn"` // everything was read as of this point of the log
	Tables         uint64    `json:"tables"`
	Rows           uint64    `json:"rows"`
	Deleted        uint64    `json:"deleted"` // rows that are delete-marked
	Entries        uint64    `json:"entries"` // of secondary indexes
	DeletedEntries uint64    `json:"deleted_entries"`
	UndoRecords    uint64    `json:"undo_records"`
	Pages          uint64    `json:"pages"`
	Problems       []Problem `json:"problems"` // the first of each table
	Damaged        uint64    `json:"damaged"`  // in all, those left out too
	// Missing are tables of CheckOptions.Tables that there are none of.
	Missing [][2]string `json:"-"`
}

// Checker is a DB that can verify the structure of what it stores. A check reads a view of the past, taken when it begins, so
// it is exact while the instance is at work; it holds no locks.
type Checker interface {
	Check(ctx context.Context, o CheckOptions) (CheckReport, error)
}
