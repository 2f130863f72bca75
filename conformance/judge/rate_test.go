package judge

import (
	"math"
	"testing"
)

func TestUpperBound(t *testing.T) {
	for _, test := range []struct {
		seen, runs int
		want       float64
	}{
		{0, 1, 0.95}, {0, 50, 0.0582}, {0, 1000, 0.00299}, {1, 1000, 0.00473}, {5, 100, 0.1023}, {3, 3, 1},
	} {
		if got := upperBound(test.seen, test.runs); math.Abs(got-test.want) > test.want/100 {
			t.Errorf("%d of %d: %.5f, want %.5f", test.seen, test.runs, got, test.want)
		}
	}
}

func TestQuantile(t *testing.T) {
	list := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for share, want := range map[float64]int{0: 1, 0.5: 5, 0.95: 10, 1: 10} {
		if got := quantile(list, share); got != want {
			t.Errorf("quantile %v: %d, want %d", share, got, want)
		}
	}
	if got := quantile(nil, 0.5); got != 0 {
		t.Errorf("of nothing: %d, want 0", got)
	}
}
