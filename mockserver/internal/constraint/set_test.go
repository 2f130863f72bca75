package constraint

import (
	"cmp"
	"math"
	"strings"
	"testing"
)

func TestParseSet(t *testing.T) {
	for _, tc := range []struct {
		text string
		in   []int64
		out  []int64
		says string
	}{
		{"20", []int64{20}, []int64{19, 21}, "exactly 20 entries"},
		{"1", []int64{1}, []int64{0, 2}, "exactly 1 entry"},
		{"5-5", []int64{5}, []int64{4, 6}, "exactly 5 entries"},
		{"0-1", []int64{0, 1}, []int64{-1, 2}, "from 0 to 1 entries"},
		{"-5-2048", []int64{-5, 2048}, []int64{-6, 2049}, "from -5 to 2048 entries"},
		{"-5--1", []int64{-5, -1}, []int64{-6, 0}, "from -5 to -1 entries"},
		{"<=50", []int64{50, math.MinInt64}, []int64{51}, "at most 50 entries"},
		{"<50", []int64{49}, []int64{50}, "fewer than 50 entries"},
		{">=-1", []int64{-1, math.MaxInt64}, []int64{-2}, "at least -1 entries"},
		{">=1", []int64{1}, []int64{0}, "at least 1 entry"},
		{">0", []int64{1}, []int64{0}, "more than 0 entries"},
		{"0,3", []int64{0, 3}, []int64{1, 2, 4}, "0 or 3 entries"},
		{"0,2,4", []int64{0, 2, 4}, []int64{1, 3}, "0, 2 or 4 entries"},
		{"1, 3-5 , >9", []int64{1, 3, 5, 10}, []int64{0, 2, 6, 9}, "1, from 3 to 5 or more than 9 entries"},
		{" <= 7 ", []int64{7}, []int64{8}, "at most 7 entries"},
		{"1 - 3", []int64{1, 3}, []int64{0, 4}, "from 1 to 3 entries"},
		{"1000-9223372036854775807", []int64{1000, math.MaxInt64}, []int64{999}, "from 1000 to 9223372036854775807 entries"},
	} {
		s, err := parseSet(tc.text, readInt)
		if err != nil {
			t.Errorf("%q: %v", tc.text, err)
			continue
		}
		for _, n := range tc.in {
			if !s.contains(n) {
				t.Errorf("%q: %d is outside, want inside", tc.text, n)
			}
		}
		for _, n := range tc.out {
			if s.contains(n) {
				t.Errorf("%q: %d is inside, want outside", tc.text, n)
			}
		}
		if got := s.words(showInt, entries); got != tc.says {
			t.Errorf("%q: says %q, want %q", tc.text, got, tc.says)
		}
	}
}

func TestParseSetRefuses(t *testing.T) {
	refuses(t, "number", readInt, "", " ", "-", "--", "a", "1-", "-1-", "1-2-3", "5-1", "1--5", "<", "<=", "<=x", "=5",
		"==5", "=>5", "<=5-6", "1,", ",1", "1,,2", "1.5", "1e3", "99999999999999999999", "1_000", "0x10", "1–2", "≤5",
		strings.Repeat("1,", 600)+"1")
	refuses(t, "count", readCount, "-1", "<=-1", "-1-5", "1.0")
	refuses(t, "float", readFloat, "nan", "inf", ">=-inf", "nan-nan", "1-inf", "1..2")
	refuses(t, "duration", readDuration, "1", "1s-2", "1d", "24h-1h", "1h-9999999h")
	refuses(t, "timestamp", readTimestamp, "1970", "19700101", "19700101T000000-x", "22630101T000000", "19700101T000000-16000101T000000")
}

func refuses[T cmp.Ordered](t *testing.T, kind string, read func(string) (T, error), texts ...string) {
	t.Helper()
	for _, text := range texts {
		if s, err := parseSet(text, read); err == nil {
			t.Errorf("%s %q: got %v, want an error", kind, text, s)
		}
	}
}

func TestParseFloatRange(t *testing.T) {
	// The dash of an exponent does not separate.
	s, err := parseSet("1e-5-2.5E-3", readFloat)
	if err != nil {
		t.Fatal(err)
	}
	for f, want := range map[float64]bool{1e-5: true, 2.5e-3: true, 9e-6: false, 3e-3: false, math.Inf(1): false} {
		if s.contains(f) != want {
			t.Errorf("contains(%g) = %t, want %t", f, !want, want)
		}
	}
	if s.contains(math.NaN()) {
		t.Error("a range contains NaN, want not")
	}
}

func TestCountRepeats(t *testing.T) {
	for in, want := range map[string]string{
		`a{,19}`:              `a{0,19}`,
		`(a|b){,2}c{,3}`:      `(a|b){0,2}c{0,3}`,
		`a{1,2}`:              `a{1,2}`,
		`a\{,19}`:             `a\{,19}`,
		`a\\{,19}`:            `a\\{0,19}`,
		`[{,19}]`:             `[{,19}]`,
		`[]{,1}]{,2}`:         `[]{,1}]{0,2}`,
		`[^]{,1}]{,2}`:        `[^]{,1}]{0,2}`,
		`[\]{,1}]{,2}`:        `[\]{,1}]{0,2}`,
		`[[:alpha:]{,1}]{,2}`: `[[:alpha:]{,1}]{0,2}`,
		`a{,}`:                `a{,}`,
		`a{,x}`:               `a{,x}`,
		`a{,`:                 `a{,`,
	} {
		if got := countRepeats(in); got != want {
			t.Errorf("countRepeats(%q) = %q, want %q", in, got, want)
		}
	}
}

// What a range says it allows can be read again and means the same.
func FuzzParseSet(f *testing.F) {
	for _, s := range []string{"20", "1-63", "-1-100", "<=50", "<128", ">=14", ">0", "0,3", "-5--1", "1,3-5,>9", "--", "1-2-3", "9223372036854775807"} {
		f.Add(s, int64(3))
	}
	f.Fuzz(func(t *testing.T, text string, n int64) {
		_, _ = parseSet(text, readFloat)
		_, _ = parseSet(text, readDuration)
		_, _ = parseSet(text, readTimestamp)
		_, _ = parseSet(text, readCount)
		s, err := parseSet(text, readInt)
		if err != nil {
			return
		}
		if len(s) == 0 {
			t.Fatalf("%q: an empty set without an error", text)
		}
		for _, part := range s {
			if part.lowEdge == inclusive && !s.contains(part.low) || part.highEdge == inclusive && !s.contains(part.high) {
				t.Errorf("%q: an inclusive end of %v is outside", text, part)
			}
		}
		again, err := parseSet(optionText(s), readInt)
		if err != nil || again.contains(n) != s.contains(n) || again.words(showInt, bare) != s.words(showInt, bare) {
			t.Errorf("%q: written as %q it became %v, %v", text, optionText(s), again, err)
		}
	})
}

// optionText writes a set of integers as an option.
func optionText(s set[int64]) string {
	var items []string
	for _, part := range s {
		switch low, high := showInt(part.low), showInt(part.high); {
		case part.single():
			items = append(items, low)
		case part.lowEdge == inclusive && part.highEdge == inclusive:
			items = append(items, low+"-"+high)
		case part.lowEdge == inclusive:
			items = append(items, ">="+low)
		case part.lowEdge == exclusive:
			items = append(items, ">"+low)
		case part.highEdge == inclusive:
			items = append(items, "<="+high)
		default:
			items = append(items, "<"+high)
		}
	}
	return strings.Join(items, ",")
}
