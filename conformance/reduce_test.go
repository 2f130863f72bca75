package conformance

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/optest-dev/optest/conformance/internal/drive"
)

// Reports must be short enough to be read: the median finding shows in few calls.
func TestTracesOfFindingsAreShort(t *testing.T) {
	c, err := newConfig(nil)
	if err != nil {
		t.Fatal(err)
	}
	var lengths []int
	for _, mutant := range []string{
		"done-flips-back", "failed-but-image-left", "key-ignored", "limit-ignored", "not-found-after-done", "reject-but-create", "early-error-vanishes",
	} {
		var s *session
		synctest.Test(t, func(t *testing.T) {
			s = c.bubble(t, playing(func() string { return mutant }))
			s.open(nil)
			defer s.close()
			s.world.Probe(t.Context())
			s.world.Play(t.Context(), drive.Scripts()[:12])
		})
		r := s.report()
		for _, one := range r.Rules {
			if one.Verdict == Failed {
				n := len(one.Findings[0].Trace)
				lengths = append(lengths, n)
				if n > 8 {
					t.Logf("%s by %s: %d calls of %d", mutant, one.ID, n, len(s.events))
				}
			}
		}
	}
	if len(lengths) < 7 {
		t.Fatalf("findings %d, want more to judge by", len(lengths))
	}
	slices.Sort(lengths)
	median := lengths[len(lengths)/2]
	t.Logf("%d findings: median %d calls, 90 of 100 at most %d, longest %d", len(lengths), median, lengths[len(lengths)*9/10], lengths[len(lengths)-1])
	if median > 4 {
		t.Errorf("median %d calls, want at most 4", median)
	}
}
