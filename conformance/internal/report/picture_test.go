package report

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/optest-dev/optest/conformance/internal/rules"
	"github.com/optest-dev/optest/trace"
)

// An axis keeps the order of all moments, and has every one of them in the picture.
func TestAxisKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		moment := rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(100*24*time.Hour)).Draw(t, "d") / rapid.SampledFrom([]int64{1, 1000, 1e6, 1e9}).Draw(t, "unit"))
		})
		times := rapid.SliceOf(moment).Draw(t, "times")
		a, width := newAxis(times, 900, 4000, 7)
		asked := append(slices.Clone(times), rapid.SliceOf(moment).Draw(t, "others")...)
		slices.Sort(asked)
		last := 0.0
		for _, m := range asked {
			x := a.x(m)
			if x < last || x < 0 || x > width || x != x {
				t.Fatalf("%v is at %v of %v, after %v", m, x, width, last)
			}
			last = x
		}
		if width < 900 || width > 4000 {
			t.Fatalf("got a width of %v", width)
		}
	})
}

func TestBarsMergeWhatIsAlike(t *testing.T) {
	s := brokenSample(t)
	var got []string
	for _, b := range newView().bars(s.events, map[*trace.Event]bool{s.events[3]: true}) {
		got = append(got, b.title())
	}
	want := []string{
		"#1 DesktopImageService/CopyFromDesktop, 1.000s to 1.002s: in progress",
		"2 calls, #2 to #3, 3.000s to 5.002s: OperationService/Get: in progress",
		"#8 DesktopImageService/Get, 4.200s to 4.202s: another answer",
		"#4 OperationService/Get, 7.000s to 7.002s: in progress",
		"3 calls, #5 to #7, 9.000s to 13.002s: OperationService/Get: in progress",
		"#9 OperationService/Get, 15.000s to 15.002s: done, with a response",
		"#10 OperationService/Get, 15.100s to 15.102s: in progress",
		"#11 OperationService/Get, 17.000s to 17.002s: a state that there is not",
		"#12 OperationService/Get, 18.000s to 18.002s: done, with a response",
		"#13 OperationService/Get, 19.000s to 19.002s: nobody knows how it ended (timeout)",
		"#14 OperationService/Cancel, 21.000s to 21.002s: FAILED_PRECONDITION: Operation is done",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Calls at once on one connection are drawn one above another.
func TestCallsAtOnceDoNotHideEachOther(t *testing.T) {
	s := newSample(t)
	for i := range 6 {
		s.call("reader", time.Second+time.Duration(i)*time.Microsecond, rules.MethodGet, get(), s.op(time.Duration(i)*time.Second))
	}
	v := newView()
	list := v.bars(s.events, nil)
	a, width := newAxis(moments(list), 900, 900, 7)
	d := v.draw(list, a, width, "", true)
	rows := map[int]int{}
	for _, b := range list {
		rows[d.tops[b]]++
	}
	if len(rows) != maxStack || d.pic.Lanes[0].Height <= maxStack*barHeight {
		t.Errorf("got rows %v in a lane of %d pixels, want %d", rows, d.pic.Lanes[0].Height, maxStack)
	}
}

// What was joined is as wide as is allowed, and nothing is lost.
func TestCrowdedBarsLoseNothing(t *testing.T) {
	s := busySample(t, 500)
	list := newView().bars(s.events, map[*trace.Event]bool{s.events[100]: true})
	a, _ := newAxis(moments(list), 900, 900, 3)
	few := crowded(list, a, 200)
	calls := 0
	for _, b := range few {
		calls += len(b.events)
		n := 0
		for _, k := range b.states {
			n += k
		}
		if n != len(b.events) || b.cited && n != 1 || len(b.ops) > maxOps+1 {
			t.Errorf("got %d states of %d calls about %d operations", n, len(b.events), len(b.ops))
		}
	}
	if calls != 500 || len(few) >= len(list) {
		t.Errorf("got %d calls in %d bars of %d", calls, len(few), len(list))
	}
}

// Where not all bars have room, evidence and what is next to it stay.
func TestNear(t *testing.T) {
	var list []*bar
	for i := range 100 {
		list = append(list, &bar{from: time.Duration(i), cited: i == 10 || i == 90})
	}
	var got []int
	for _, b := range near(list, 10) {
		got = append(got, int(b.from))
	}
	if want := []int{8, 9, 10, 11, 12, 88, 89, 90, 91, 92}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Lines are broken between words, and nothing is lost.
func TestBrokenLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ a-zé\n]{0,200}`).Draw(t, "text")
		width := rapid.IntRange(1, 40).Draw(t, "width")
		list := broken(text, width)
		if got, want := strings.Join(strings.Fields(strings.Join(list, " ")), " "), strings.Join(strings.Fields(text), " "); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
		for _, l := range list {
			if utf8.RuneCountInString(l) > width && strings.Contains(l, " ") {
				t.Fatalf("got %q of more than %d characters", l, width)
			}
		}
	})
}

func TestGrouped(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
