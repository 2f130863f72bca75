package judge

import "math"

// upperBound is how often what was seen so many times in so many independent runs
// can happen at most, as a share: with 95 % confidence, by Clopper and Pearson.
func upperBound(seen, runs int) float64 {
	if seen >= runs {
		return 1
	}
	const tail = 0.05
	low, high := float64(seen)/float64(runs), 1.0
	for range 60 {
		p := (low + high) / 2
		if atMost(seen, runs, p) > tail {
			low = p
		} else {
			high = p
		}
	}
	return high
}

// atMost is the probability of at most k successes in n trials.
func atMost(k, n int, p float64) float64 {
	sum := 0.0
	for i := range k + 1 {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(i + 1))
		c, _ := math.Lgamma(float64(n - i + 1))
		sum += math.Exp(a - b - c + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return sum
}

// quantile is the value that so large a share of a sorted list does not exceed, 0
// of an empty one.
func quantile(sorted []int, share float64) int {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, int(math.Ceil(share*float64(len(sorted))))-1)]
}
