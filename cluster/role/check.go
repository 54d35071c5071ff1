package role

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/zoryadb/zorya/engine/table"
)

// CheckUpdate is one line of the answer to GET /check, a stream of JSON values: progress until the last, which has a report or an error.
type CheckUpdate struct {
	Progress *table.CheckProgress `json:"progress,omitempty"`
	Report   *table.CheckReport   `json:"report,omitempty"`
	Error    string               `json:"error,omitempty"`
}

// progressEvery bounds how often progress is told.
const progressEvery = 200 * time.Millisecond

// serveCheck answers GET /check[?quick=1] with the structural checker over db. One runs at a time: each reads everything.
func serveCheck(db table.DB) http.HandlerFunc {
	var busy atomic.Bool
	return func(w http.ResponseWriter, r *http.Request) {
		checker, ok := db.(table.Checker)
		if !ok {
			http.Error(w, "this instance cannot check", http.StatusNotImplemented)
			return
		}
		if !busy.CompareAndSwap(false, true) {
			http.Error(w, "a check is under way", http.StatusConflict)
			return
		}
		defer busy.Store(false)
		w.Header().Set("Content-Type", "application/x-ndjson")
		out, flush := json.NewEncoder(w), http.NewResponseController(w)
		told := time.Time{}
		rep, err := checker.Check(r.Context(), table.CheckOptions{Quick: r.URL.Query().Get("quick") != "", Progress: func(p table.CheckProgress) {
			if time.Since(told) < progressEvery {
				return
			}
			told = time.Now()
			_ = out.Encode(CheckUpdate{Progress: &p}) // a reader that went away ends r's context
			_ = flush.Flush()
		}})
		u := CheckUpdate{Report: &rep}
		if err != nil {
			u = CheckUpdate{Error: err.Error()}
		}
		_ = out.Encode(u)
	}
}

// Check asks the instance whose status port is at address (an URL) to check its volume. progress may be nil.
func Check(ctx context.Context, by *http.Client, address string, quick bool, progress func(table.CheckProgress)) (*table.CheckReport, error) {
	address += "/check"
	if quick {
		address += "?quick=1"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := by.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the instance to check: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask the instance to check: it answers %s", resp.Status)
	}
	in := json.NewDecoder(resp.Body)
	for {
		var u CheckUpdate
		if err := in.Decode(&u); err != nil {
			return nil, fmt.Errorf("the instance's answer ends before the check does: %w", err)
		}
		switch {
		case u.Error != "":
			return nil, errors.New(u.Error)
		case u.Report != nil:
			return u.Report, nil
		case u.Progress != nil && progress != nil:
			progress(*u.Progress)
		}
	}
}
