package timeline

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
	"github.com/optest-dev/optest/internal/duration"
)

// texts words values for one set of signs.
type texts struct{ signs Signs }

func (d *drawing) texts() texts { return texts{d.signs} }

// longest is what is shown of one text.
const longest = 100

// quote shows text of the scenario in quotes.
func (t texts) quote(text string) string {
	plain := terminal.Plain(strings.Join(strings.Fields(text), " "))
	if columns(plain) > longest {
		plain = cut(plain, longest-1) + t.signs.Ellipsis
	}
	if t.signs == ASCII {
		return strconv.QuoteToASCII(plain)
	}
	return `"` + plain + `"`
}

// word shows what is a name, without quotes where that can be read.
func (t texts) word(text string) string {
	for _, r := range text {
		if r <= ' ' || r > '~' || r == '"' {
			return t.quote(text)
		}
	}
	if text == "" || len(text) > longest {
		return t.quote(text)
	}
	return text
}

func (t texts) status(s *status.Status) string {
	text := code.Code(s.GetCode()).String()
	if s.GetMessage() != "" {
		text += " " + t.quote(s.GetMessage())
	}
	var details []string
	for _, detail := range s.GetDetails() {
		details = append(details, t.typeName(detail.GetTypeUrl()))
	}
	if len(details) > 0 {
		text += " with " + t.some(details)
	}
	return text
}

// typeName is the last part of a type's URL.
func (t texts) typeName(url string) string { return t.word(url[strings.LastIndexAny(url, "./")+1:]) }

// few is how many entries of a list are shown.
const few = 6

// some joins the first few.
func (t texts) some(list []string) string {
	if len(list) > few {
		return strings.Join(list[:few-1], ", ") + " and " + strconv.Itoa(len(list)-few+1) + " more"
	}
	return strings.Join(list, ", ")
}

// fields shows the entries of a Struct in the order of their names.
func (t texts) fields(s *structpb.Struct, names []string) string {
	var list []string
	for _, name := range names {
		value := t.value(s.GetFields()[name])
		if url := s.GetFields()[name].GetStringValue(); name == "@type" && url != "" {
			value = t.typeName(url)
		}
		list = append(list, t.word(name)+" "+value)
	}
	return t.some(list)
}

func (t texts) value(v *structpb.Value) string {
	switch v.GetKind().(type) {
	case *structpb.Value_StringValue:
		return t.quote(v.GetStringValue())
	case *structpb.Value_StructValue:
		return "{" + t.fields(v.GetStructValue(), names(v.GetStructValue())) + "}"
	case *structpb.Value_ListValue:
		return "[" + strconv.Itoa(len(v.GetListValue().GetValues())) + "]"
	}
	text, err := protojson.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(text)
}

func span(d time.Duration) string { return duration.Format(durationpb.New(d)) }

// columns is how wide text stands on a terminal: East Asian characters and most
// pictures are two columns wide. Where terminals disagree it is the wider one.
func columns(text string) int {
	n := 0
	for _, r := range text {
		n += width(r)
	}
	return n
}

func width(r rune) int {
	switch {
	case r < 0x1100:
		if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
			return 0
		}
		return 1
	case 0x1e00 <= r && r < 0x2600: // Latin, Greek, punctuation, arrows, lines
		return 1
	case r == '✗':
		return 1
	case r == unicode.ReplacementChar:
		return 1
	}
	return 2
}

// cut shortens text to so many columns.
func cut(text string, most int) string {
	n := 0
	for i, r := range text {
		if n += width(r); n > most {
			return text[:i]
		}
	}
	return text
}

// Wrap breaks text at spaces into lines of at most so many columns. A word that
// is longer is broken.
func Wrap(text string, most int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case columns(line)+1+columns(word) <= most:
			line += " " + word
			continue
		default:
			lines = append(lines, line)
			line = word
		}
		for columns(line) > most {
			head := cut(line, most)
			lines = append(lines, head)
			line = line[len(head):]
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
