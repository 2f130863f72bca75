package mockserver

import (
	"regexp"
	"slices"
	"strconv"
	"time"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// misspellings change the text of an answer in JSON.
var misspellings = []struct {
	shape optestv1.JsonFault_Shape
	where *regexp.Regexp
	// value is what comes in the place of the first group.
	value func(string) string
}{
	{optestv1.JsonFault_INT64_AS_NUMBER, regexp.MustCompile(`"[a-zA-Z_]*(?:[sS]ize|[bB]ytes)":("-?[0-9]+")`), unquotedNumber},
	{optestv1.JsonFault_INT64_AS_DOUBLE, regexp.MustCompile(`"[a-zA-Z_]*(?:[sS]ize|[bB]ytes)":"(-?[0-9]+)"`), roundedToDouble},
	{optestv1.JsonFault_EPOCH_SECONDS, regexp.MustCompile(`"[a-z]+(?:At|_at)":("[^"]*")`), epochSeconds},
	{optestv1.JsonFault_LABELS_AS_TEXT, regexp.MustCompile(`"labels":(\{[^{}]*\})`), strconv.Quote},
}

// misspelt is the JSON text with the mistakes of all shapes.
func misspelt(text []byte, shapes []optestv1.JsonFault_Shape) []byte {
	for _, m := range misspellings {
		if !slices.Contains(shapes, m.shape) {
			continue
		}
		var out []byte
		last := 0
		for _, at := range m.where.FindAllSubmatchIndex(text, -1) {
			out = append(append(out, text[last:at[2]]...), m.value(string(text[at[2]:at[3]]))...)
			last = at[3]
		}
		text = append(out, text[last:]...)
	}
	return text
}

func unquotedNumber(quoted string) string { return quoted[1 : len(quoted)-1] }

func roundedToDouble(digits string) string {
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return digits
	}
	return strconv.FormatFloat(n, 'f', 0, 64)
}

// epochSeconds leaves alone what is no time.
func epochSeconds(quoted string) string {
	t, err := time.Parse(time.RFC3339Nano, quoted[1:len(quoted)-1])
	if err != nil {
		return quoted
	}
	return strconv.FormatInt(t.Unix(), 10)
}
