package drive

import (
	"math/rand/v2"
	"regexp"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestFilledHasSoManyCharacters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.StringN(0, 60, -1).Draw(t, "start")
		n := rapid.IntRange(0, 100).Draw(t, "n")
		char := rapid.SampledFrom(widths).Draw(t, "char")
		got := filled(start, n, char)
		if utf8.RuneCountInString(got) != n || !utf8.ValidString(got) {
			t.Fatalf("filled(%q, %d, %q) = %q, want %d characters", start, n, char, got, n)
		}
	})
}

func TestUUIDIsOne(t *testing.T) {
	shape := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	draw := rand.New(rand.NewPCG(1, 2))
	seen := map[string]bool{}
	for range 1000 {
		id := uuid(draw)
		if !shape.MatchString(id) || seen[id] {
			t.Fatalf("uuid %q, want a new one of version 4", id)
		}
		seen[id] = true
	}
}

func TestLabelsAreValid(t *testing.T) {
	key, value := regexp.MustCompile(`^[a-z][-_0-9a-z]{0,62}$`), regexp.MustCompile(`^[-_0-9a-z]{0,63}$`)
	list := labels(mostLabels)
	if len(list) != mostLabels {
		t.Errorf("labels %d, want %d", len(list), mostLabels)
	}
	for k, v := range list {
		if !key.MatchString(k) || !value.MatchString(v) {
			t.Errorf("label %q: %q, want one that is valid", k, v)
		}
	}
	if changed := labelled(list, "a", "b"); len(changed) != mostLabels+1 || len(list) != mostLabels {
		t.Error("a label was added to the original, want it added to a copy")
	}
}
