package drift

import (
	"testing"

	"pgregory.net/rapid"
)

func TestMinusLeavesWhatIsNotTaken(t *testing.T) {
	const numbers = 24
	rapid.Check(t, func(t *rapid.T) {
		from, without := drawSpans(t, numbers, "from"), drawSpans(t, numbers, "without")
		left := minus(from, without)
		for n := range int64(numbers) {
			if got, want := holds(left, n), holds(from, n) && !holds(without, n); got != want {
				t.Fatalf("%d in %v minus %v: got %v in %v, want %v", n, from, without, got, left, want)
			}
		}
		for i, s := range left {
			if s.first > s.last {
				t.Fatalf("span %v of %v is empty, want none that is", s, left)
			}
			if i > 0 && s.first <= left[i-1].last {
				t.Fatalf("spans %v are not in ascending order, want %v before %v", left, s, left[i-1])
			}
		}
	})
}

func TestSpanText(t *testing.T) {
	if got, want := spanText([]span{{3, 3}, {6, 10}, {12, 12}}), "3, 6-10, 12"; got != want {
		t.Errorf("spans: got %q, want %q", got, want)
	}
	if got := spanText(nil); got != "" {
		t.Errorf("no spans: got %q, want nothing", got)
	}
}

func drawSpans(t *rapid.T, numbers int64, label string) []span {
	one := rapid.Custom(func(t *rapid.T) span {
		first := rapid.Int64Range(0, numbers-1).Draw(t, "first")
		return span{first, rapid.Int64Range(first, numbers-1).Draw(t, "last")}
	})
	return rapid.SliceOfN(one, 0, 5).Draw(t, label)
}

func holds(spans []span, number int64) bool {
	for _, s := range spans {
		if s.first <= number && number <= s.last {
			return true
		}
	}
	return false
}
