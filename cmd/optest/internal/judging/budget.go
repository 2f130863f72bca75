package judging

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/optest-dev/optest/conformance"
)

// Budget is what a run may cost.
type Budget struct {
	conformance.Budget
	text string
}

// Set takes parts that commas divide: 2/s, 5 creates, 500 requests, 10m.
func (b *Budget) Set(text string) error {
	var parsed conformance.Budget
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		number, unit, _ := strings.Cut(part, " ")
		count, countErr := strconv.Atoi(number)
		switch {
		case strings.HasSuffix(part, "/s"):
			rate, err := strconv.ParseFloat(strings.TrimSuffix(part, "/s"), 64)
			if err != nil || !(rate > 0 && rate <= 100_000) {
				return errBudget
			}
			parsed.Rate = rate
		case countErr == nil && count > 0 && strings.TrimSuffix(unit, "s") == "create":
			parsed.Creates = count
		case countErr == nil && count > 0 && strings.TrimSuffix(unit, "s") == "request":
			parsed.Requests = count
		default:
			d, err := time.ParseDuration(part)
			if err != nil || d <= 0 {
				return errBudget
			}
			parsed.Time = d
		}
	}
	b.Budget, b.text = parsed, text
	return nil
}

var errBudget = errors.New("want parts such as 2/s, 5 creates, 500 requests and 10m, with commas between them")

func (b *Budget) String() string { return b.text }

// Type is what help calls the value.
func (b *Budget) Type() string { return "BUDGET" }
