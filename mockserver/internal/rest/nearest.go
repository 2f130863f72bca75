package rest

import "strings"

// Bounds of what is compared of an unknown path, so that a long one costs no
// more than a short one.
const (
	maxComparedParts = 12
	maxComparedText  = 48
)

// advise names the published route that an unknown path comes nearest to.
func (r *routes) advise(verb, path string) string {
	best, bestCost := (*binding)(nil), 0
	parts := pathParts(path)
	for _, b := range r.bindings {
		cost := distance(parts, templateParts(b.template))
		if b.verb != verb {
			cost++
		}
		if best == nil || cost < bestCost {
			best, bestCost = b, cost
		}
	}
	if best == nil {
		return "want another protocol: none is published here"
	}
	return "nearest is " + best.verb + " " + best.template.text
}

// Costs of turning one path into another, part by part.
const (
	partCost  = 100 // a part too many, too few or altogether different
	idCost    = 10  // any text where the template has a variable
	verbStart = ":" // marks the custom verb as a part of its own
)

// pathParts leaves out empty segments: a slash too many is a slip, no part.
func pathParts(path string) []string {
	var parts []string
	for part := range strings.SplitSeq(path, "/") {
		if part == "" {
			continue
		}
		if len(parts) == maxComparedParts {
			return parts
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return nil
	}
	last := len(parts) - 1
	if name, verb, ok := strings.Cut(parts[last], verbStart); ok {
		parts[last] = name
		parts = append(parts, verbStart+verb)
	}
	return parts
}

// templateParts has "" for a wildcard, which no literal is.
func templateParts(t *template) []string {
	parts := make([]string, 0, len(t.segments)+1)
	for _, s := range t.segments {
		parts = append(parts, s.text)
	}
	if t.verb != "" {
		parts = append(parts, verbStart+t.verb)
	}
	return parts
}

// distance is the edit distance over parts.
func distance(got, want []string) int {
	row := make([]int, len(want)+1)
	for j := range row {
		row[j] = j * partCost
	}
	for i, g := range got {
		diagonal := row[0]
		row[0] = (i + 1) * partCost
		for j, w := range want {
			cost := min(row[j], row[j+1]) + partCost
			cost = min(cost, diagonal+substitute(g, w))
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(want)]
}

func substitute(got, want string) int {
	switch {
	case got == want:
		return 0
	case want == "":
		return idCost
	}
	got, want = got[:min(len(got), maxComparedText)], want[:min(len(want), maxComparedText)]
	return partCost * letters(got, want) / max(len(got), len(want))
}

// letters is the edit distance over bytes.
func letters(got, want string) int {
	var buffer [maxComparedText + 1]int
	row := buffer[:len(want)+1]
	for j := range row {
		row[j] = j
	}
	for i := range len(got) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(want) {
			cost := diagonal
			if got[i] != want[j] {
				cost++
			}
			cost = min(cost, row[j]+1, row[j+1]+1)
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(want)]
}
