package report

import (
	"regexp"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

var (
	quotedCode = regexp.MustCompile("`[^`]*`")
	identifier = regexp.MustCompile(`[a-z][a-z0-9_]*`)
	dotted     = regexp.MustCompile(`\.([a-z][a-z0-9_]*)`)
)

// aboutFields are names that a rule's sentence has in code and its source after a
// dot, such as done, error and response. What is no field of the message at hand
// means nothing there.
func aboutFields(quote, source string) map[string]bool {
	names := map[string]bool{}
	for _, part := range quotedCode.FindAllString(quote, -1) {
		for _, name := range identifier.FindAllString(part, -1) {
			names[name] = true
		}
	}
	for _, found := range dotted.FindAllStringSubmatch(source, -1) {
		names[found[1]] = true
	}
	return names
}

// attend marks the rows that the names are of. Those of the message itself that are
// not there get a row as well: that may be what is wrong.
func attend(rows []row, names map[string]bool, desc protoreflect.MessageDescriptor) []row {
	there := map[string]bool{}
	for i := range rows {
		name := snake(rows[i].Field)
		rows[i].About = names[name]
		if rows[i].Depth == 0 {
			there[name] = true
		}
	}
	for i := range desc.Fields().Len() {
		f := desc.Fields().Get(i)
		name := string(f.Name())
		if !names[name] || there[name] {
			continue
		}
		value := "not there"
		switch {
		case f.Kind() == protoreflect.BoolKind:
			value += ", which means false"
		case f.Kind() == protoreflect.EnumKind:
			value += ", which means " + string(f.Enum().Values().ByNumber(0).Name())
		}
		rows = append(rows, row{Field: name, Value: value, About: true, Absent: true})
	}
	return rows
}

// snake is a field's name in the proto files, given that in JSON.
func snake(name string) string {
	var b strings.Builder
	for _, r := range name {
		if 'A' <= r && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// codePart is a part of a sentence, in code or not.
type codePart struct {
	Text string
	Code bool
}

// codeParts are a sentence's parts by its backticks.
func codeParts(text string) []codePart {
	var parts []codePart
	for i, part := range strings.Split(plain(text), "`") {
		if part != "" {
			parts = append(parts, codePart{part, i%2 == 1})
		}
	}
	return parts
}
