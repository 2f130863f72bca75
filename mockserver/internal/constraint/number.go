package constraint

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

var errNumber = errors.New("not a number of this kind")

// readCount reads a number of characters, bytes or entries.
func readCount(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil && n < 0 {
		return 0, errNumber
	}
	return n, err
}

func readInt(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }

func readUint(s string) (uint64, error) { return strconv.ParseUint(s, 10, 64) }

func readFloat(s string) (float64, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err == nil && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return 0, errNumber
	}
	return f, err
}

// readDuration gives nanoseconds.
func readDuration(s string) (int64, error) {
	d, err := time.ParseDuration(s)
	return int64(d), err
}

// readTimestamp gives nanoseconds since 1970 UTC.
func readTimestamp(s string) (int64, error) {
	t, err := time.Parse("20060102T150405", s)
	if err != nil {
		return 0, err
	}
	n := nanoseconds(t.Unix(), int64(t.Nanosecond()))
	if beyond(n) {
		return 0, errNumber
	}
	return n, nil
}

// maxSeconds is where int64 nanoseconds end, in whole seconds: 292 years.
const maxSeconds = math.MaxInt64/int64(time.Second) - 1

// nanoseconds saturates: what no documented bound reaches needs no exact value.
func nanoseconds(seconds, nanos int64) int64 {
	switch {
	case seconds > maxSeconds:
		return math.MaxInt64
	case seconds < -maxSeconds:
		return math.MinInt64
	}
	return seconds*int64(time.Second) + nanos
}

// beyond reports whether nanoseconds saturated.
func beyond(n int64) bool { return n == math.MaxInt64 || n == math.MinInt64 }

func showInt(n int64) string { return strconv.FormatInt(n, 10) }

func showUint(n uint64) string { return strconv.FormatUint(n, 10) }

func showFloat(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// showDuration writes 24h and 1m where time.Duration writes 24h0m0s and 1m0s.
func showDuration(n int64) string {
	if beyond(n) {
		return "more than 292 years"
	}
	s := time.Duration(n).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func showTimestamp(n int64) string {
	if beyond(n) {
		return "a time more than 292 years from 1970"
	}
	return time.Unix(0, n).UTC().Format(time.RFC3339Nano)
}
