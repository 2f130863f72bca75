package mockserver_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/fixtures"
)

// effect is what a fixture shows to its clients.
type effect struct {
	fixture   string
	see       see
	byDefault bool // the server plays it as its default
	want      string
}

// TestFixturesShowTheirEffect holds the catalogue of faults: each of its ids has
// a fixture, and each fixture with an id shows on the wire what it is for.
func TestFixturesShowTheirEffect(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range effects {
		if seen[e.fixture] {
			t.Errorf("%s is there twice", e.fixture)
		}
		seen[e.fixture] = true
		s, ok := fixtures.Get(e.fixture)
		if !ok {
			t.Errorf("%s is no fixture", e.fixture)
			continue
		}
		t.Run(e.fixture, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := e.see(newWatcher(t, e.fixture, e.byDefault))
				if got != e.want {
					t.Errorf("%s shows\n%s\nwant\n%s", e.fixture, got, e.want)
				}
				for _, id := range s.GetIds() {
					t.Logf("%s\t%s\t%s", id, e.fixture, got)
				}
			})
			plain := proto.CloneOf(s)
			plain.Expect = nil // it is about what goes wrong
			synctest.Test(t, func(t *testing.T) {
				if got := e.see(watching(t, inOrder(plain))); got == e.want {
					t.Errorf("without what it is for it shows the same: %s", got)
				}
			})
		})
	}
	var ids []string
	for s := range fixtures.All() {
		ids = append(ids, s.GetIds()...)
		if len(s.GetIds()) > 0 && !seen[s.GetName()] {
			t.Errorf("nobody looks at what %s shows (%v)", s.GetName(), s.GetIds())
		}
	}
	for _, id := range faultIDs() {
		if !slices.Contains(ids, id) {
			t.Errorf("%s has no fixture", id)
		}
	}
}
