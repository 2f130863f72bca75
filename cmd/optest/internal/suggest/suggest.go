// Package suggest words what a mistyped name was likely meant to be.
package suggest

import (
	"strings"

	"github.com/optest-dev/optest/internal/nearest"
)

// most is how many names are offered: more are no help.
const most = 2

// Meant is the end of a message about an unknown word, "did you mean --seed?",
// or empty where no name is near. The prefix, such as --, stands before each.
func Meant(word, prefix string, names []string) string {
	near := nearest.Few(word, names, most)
	if len(near) == 0 {
		return ""
	}
	for i := range near {
		near[i] = prefix + near[i]
	}
	return "did you mean " + Or(near) + "?"
}

// Or reads "a, b or c".
func Or(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
