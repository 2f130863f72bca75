package lint_test

import (
	"testing"

	"github.com/optest-dev/optest/cmd/optest/internal/lint"
	"github.com/optest-dev/optest/fixtures"
)

// The catalogue is what users copy from.
func TestCatalogueHasNoWarnings(t *testing.T) {
	for s := range fixtures.All() {
		for _, p := range lint.Scenario(s) {
			t.Errorf("%s: %v", s.GetName(), p)
		}
	}
}
