package flagvalue

import (
	"fmt"
	"strconv"
	"strings"
)

// Speed is how many times faster than real time a clock runs.
type Speed float64

// A day passes in less than a second at the upper bound, and a server at it can
// run for a day before its clock leaves the range of a time.Duration.
const (
	MinSpeed Speed = 0.001
	MaxSpeed Speed = 100_000
)

// Set takes a factor such as 60x or 60.
func (s *Speed) Set(text string) error {
	factor, err := strconv.ParseFloat(strings.TrimSuffix(text, "x"), 64)
	// Written so that NaN is refused, too.
	if err != nil || !(Speed(factor) >= MinSpeed && Speed(factor) <= MaxSpeed) {
		return fmt.Errorf("want a factor from %s to %s such as 60x", decimal(MinSpeed), decimal(MaxSpeed))
	}
	*s = Speed(factor)
	return nil
}

func (s *Speed) String() string { return decimal(*s) }

// Type is what help calls the value.
func (s *Speed) Type() string { return "FACTOR" }

func decimal(s Speed) string { return strconv.FormatFloat(float64(s), 'f', -1, 64) + "x" }
