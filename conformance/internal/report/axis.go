package report

import (
	"math"
	"slices"
	"time"
)

// axis maps moments to places. It keeps their order and lets short spans be seen
// beside long ones: a call takes a millisecond, and the wait between two may take
// a day. What is drawn on it is therefore true in order, and not in length.
type axis struct {
	times []time.Duration
	at    []float64
}

// weightOf is how much room a span gets.
func weightOf(d time.Duration) float64 {
	return 1.5 + 0.5*math.Log2(1+float64(d)/float64(time.Millisecond))
}

// newAxis is for pictures of the width in which these moments matter. A unit of
// weight has at most so many pixels, so that few moments are not far apart.
func newAxis(times []time.Duration, least, most, unit float64) (a axis, width float64) {
	times = slices.Clone(times)
	slices.Sort(times)
	times = slices.Compact(times)
	a = axis{times: times, at: make([]float64, len(times))}
	for i := 1; i < len(times); i++ {
		a.at[i] = a.at[i-1] + weightOf(times[i]-times[i-1])
	}
	const margin, end = 12, 24 // the last bar is wider than its call
	total := 1.0
	if n := len(times); n > 0 {
		total = max(a.at[n-1], 1)
	}
	width = min(max(total*unit, least), most)
	scale := (width - margin - end) / total
	for i := range a.at {
		a.at[i] = margin + a.at[i]*scale
	}
	return a, width
}

// x is where a moment is. What is outside is at the edge.
func (a axis) x(t time.Duration) float64 {
	if len(a.times) == 0 {
		return 0
	}
	i, found := slices.BinarySearch(a.times, t)
	switch {
	case found:
		return a.at[i]
	case i == 0:
		return a.at[0]
	case i == len(a.times):
		return a.at[i-1]
	}
	share := float64(t-a.times[i-1]) / float64(a.times[i]-a.times[i-1])
	return a.at[i-1] + share*(a.at[i]-a.at[i-1])
}

// within reports whether a moment is on the axis.
func (a axis) within(t time.Duration) bool {
	n := len(a.times)
	return n > 0 && a.times[0] <= t && t <= a.times[n-1]
}

// ticks are moments far enough apart to have a label each.
func (a axis) ticks(apart float64) []time.Duration {
	var list []time.Duration
	last := math.Inf(-1)
	for i, t := range a.times {
		if a.at[i]-last >= apart {
			list = append(list, t)
			last = a.at[i]
		}
	}
	return list
}
