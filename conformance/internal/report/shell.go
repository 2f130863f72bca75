package report

import (
	"fmt"
	"slices"
	"strings"
)

// word is text as one word of a POSIX shell, bash in what can't be printed. Where
// the text has an id of the run that is replayed, it has the variable of the id
// instead.
func (r *replay) word(text string) string {
	var b strings.Builder
	for text != "" {
		at, id := r.next(text)
		if at > 0 {
			b.WriteString(literal(text[:at]))
		}
		if id != "" {
			b.WriteString(`"$` + r.variables[id] + `"`)
		}
		text = text[at+len(id):]
	}
	if b.Len() == 0 {
		return "''"
	}
	return b.String()
}

// next finds the first id with a variable in the text, or the text's end. Of two
// at one place the longer one counts.
func (r *replay) next(text string) (at int, id string) {
	at = len(text)
	for _, known := range r.ids {
		if i := strings.Index(text, known); i >= 0 && (i < at || i == at && len(known) > len(id)) {
			at, id = i, known
		}
	}
	return at, id
}

// harmless are characters that a shell takes as they are.
const harmless = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+,="

func literal(text string) string {
	switch {
	case !strings.ContainsFunc(text, func(c rune) bool { return !strings.ContainsRune(harmless, c) }):
		return text
	case !strings.ContainsFunc(text, odd) && text == strings.ToValidUTF8(text, ""):
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	// What can't be printed is escaped, so that whoever pastes it sees what it is.
	var b strings.Builder
	b.WriteString("$'")
	for i := range len(text) {
		switch c := text[i]; {
		case c == '\'' || c == '\\':
			b.WriteString(`\` + string(rune(c)))
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String() + "'"
}

// remember gives an id a variable.
func (r *replay) remember(id, kind string) (variable string) {
	if v, ok := r.variables[id]; ok {
		return v
	}
	n := 1
	for _, v := range r.variables {
		if strings.HasPrefix(v, kind) {
			n++
		}
	}
	variable = fmt.Sprintf("%s%d", kind, n)
	r.variables[id] = variable
	if !slices.Contains(r.ids, id) {
		r.ids = append(r.ids, id)
	}
	return variable
}
