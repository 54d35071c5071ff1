package perfschema

import (
	"regexp"
	"testing"
)

// No view is left with a macro, which would be a call of a function that there is not.
func TestViewsHaveNoMacros(t *testing.T) {
	left := regexp.MustCompile(`\b(TIME|BYTES|TEXT)\(|PREFIX`)
	for name, v := range Views() {
		if at := left.FindString(v.Select); at != "" {
			t.Errorf("%s has %s: %s", name, at, v.Select)
		}
	}
}
