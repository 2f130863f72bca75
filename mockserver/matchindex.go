package mockserver

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// matchIndex finds among many scenarios those that a request may meet, without
// asking each: a scenario that wants an exact text in a field is asked only when
// the request has that text there.
type matchIndex struct {
	fields []string            // that some scenario wants an exact text in
	exact  map[condition][]int // by field and text, places in the repertoire's list
	others []int               // scenarios that want no exact text
}

func newMatchIndex(list []*playing) *matchIndex {
	x := &matchIndex{exact: map[condition][]int{}}
	for i, p := range list {
		at := slices.IndexFunc(p.match.fields, func(c condition) bool { return c.want.exact() })
		if at < 0 {
			x.others = append(x.others, i)
			continue
		}
		c := p.match.fields[at]
		if !slices.Contains(x.fields, c.name) {
			x.fields = append(x.fields, c.name)
		}
		x.exact[c] = append(x.exact[c], i)
	}
	return x
}

// candidates are the places of scenarios to ask, in the order of the list.
func (x *matchIndex) candidates(request protoreflect.Message) []int {
	found := x.others
	for _, name := range x.fields {
		if more := x.exact[condition{name, pattern(fieldText(request, name))}]; len(more) > 0 {
			found = append(slices.Clip(found), more...)
		}
	}
	if len(found) > len(x.others) {
		slices.Sort(found)
	}
	return found
}
