package drift

import (
	"strconv"
	"strings"
)

// Kind says on which side a difference lies.
type Kind int

const (
	// Changed is stated by both sides, differently.
	Changed Kind = iota
	// Added is stated by go-genproto only.
	Added
	// Removed is stated by us only.
	Removed
)

// String returns the kind in lower case.
func (k Kind) String() string {
	switch k {
	case Changed:
		return "changed"
	case Added:
		return "added"
	case Removed:
		return "removed"
	}
	return "kind " + strconv.Itoa(int(k))
}

// Difference is one place where two descriptors of a file say different things.
type Difference struct {
	Kind Kind
	// File is the path of the .proto file.
	File string
	// Element names the declaration without its package, nested names with dots; empty for the file itself.
	Element string
	// Attribute names what of the element differs; empty where the element itself is on one side only.
	Attribute string
	// Ours and Theirs are what each side says; empty where it says nothing.
	Ours, Theirs string
}

// Breaking reports whether a client or server built on our statement of the contract is wrong about go-genproto's. Additions
// are not breaking, even one that tightens a limit: limits are read from the descriptors that are linked. An addition that
// takes a number or name that we reserve is reported as Changed as well, and so is breaking.
func (d Difference) Breaking() bool {
	return d.Kind != Added
}

// String returns the difference as one line.
func (d Difference) String() string {
	var b strings.Builder
	b.WriteString(d.File)
	b.WriteString(": ")
	if place := strings.TrimSpace(d.Element + " " + d.Attribute); place != "" {
		b.WriteString(place)
		b.WriteString(": ")
	}
	b.WriteString("ours ")
	b.WriteString(orAbsent(d.Ours))
	b.WriteString(", go-genproto's ")
	b.WriteString(orAbsent(d.Theirs))
	return b.String()
}

func orAbsent(said string) string {
	if said == "" {
		return "absent"
	}
	return said
}
