package rest

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// template is a parsed path of the google.api.http annotation language
// (google/api/http.proto, "Path template syntax"):
//
//	Template  = "/" Segments [ ":" LITERAL ]
//	Segments  = Segment { "/" Segment }
//	Segment   = "*" | "**" | LITERAL | "{" FieldPath [ "=" Segments ] "}"
//	FieldPath = IDENT { "." IDENT }
type template struct {
	text      string
	segments  []segment
	variables []variable
	verb      string // the custom verb after the last colon, decoded
}

type segmentKind uint8

const (
	literalSegment segmentKind = iota
	oneSegment                 // "*": exactly one segment, not empty
	restSegment                // "**": all that is left, possibly nothing
)

type segment struct {
	kind segmentKind
	text string // of a literal, decoded
}

// variable binds segments from up to but not including to. When the last of
// them is "**" it binds all that is left of the path.
type variable struct {
	field    []protoreflect.Name
	from, to int
}

func parseTemplate(text string) (*template, error) {
	p := templateParser{text: text, rest: text, out: &template{text: text}}
	if err := p.template(); err != nil {
		return nil, err
	}
	for i, s := range p.out.segments {
		if s.kind == restSegment && i != len(p.out.segments)-1 {
			return nil, fmt.Errorf(`optest: path template %q has segments after "**", want it last`, text)
		}
	}
	return p.out, nil
}

type templateParser struct {
	text string
	rest string
	out  *template
}

func (p *templateParser) template() error {
	if !p.accept("/") {
		return p.unexpected(`"/"`)
	}
	if err := p.segments(p.segment); err != nil {
		return err
	}
	if p.accept(":") {
		verb, err := p.literal()
		if err != nil {
			return err
		}
		p.out.verb = verb
	}
	if p.rest != "" {
		return p.unexpected("the end")
	}
	return nil
}

func (p *templateParser) segments(one func() error) error {
	for {
		if err := one(); err != nil {
			return err
		}
		if !p.accept("/") {
			return nil
		}
	}
}

func (p *templateParser) segment() error {
	if p.accept("{") {
		return p.variable()
	}
	return p.plain()
}

// plain is a segment that is no variable; a variable holds only such.
func (p *templateParser) plain() error {
	s := segment{}
	switch {
	case p.accept("**"):
		s.kind = restSegment
	case p.accept("*"):
		s.kind = oneSegment
	default:
		text, err := p.literal()
		if err != nil {
			return err
		}
		s.text = text
	}
	p.out.segments = append(p.out.segments, s)
	return nil
}

func (p *templateParser) variable() error {
	v := variable{from: len(p.out.segments)}
	for {
		end := strings.IndexAny(p.rest, ".=}/:{*")
		if end < 0 {
			end = len(p.rest)
		}
		name := protoreflect.Name(p.rest[:end])
		if !name.IsValid() {
			return p.unexpected("a field name")
		}
		v.field = append(v.field, name)
		p.rest = p.rest[end:]
		if !p.accept(".") {
			break
		}
	}
	if p.accept("=") {
		if err := p.segments(p.plain); err != nil {
			return err
		}
	} else {
		p.out.segments = append(p.out.segments, segment{kind: oneSegment})
	}
	if !p.accept("}") {
		return p.unexpected(`"}"`)
	}
	v.to = len(p.out.segments)
	p.out.variables = append(p.out.variables, v)
	return nil
}

func (p *templateParser) literal() (string, error) {
	end := strings.IndexAny(p.rest, "/:{}*")
	if end < 0 {
		end = len(p.rest)
	}
	raw := p.rest[:end]
	text, err := url.PathUnescape(raw)
	if err != nil || raw == "" || strings.ContainsAny(raw, " ?#") || !utf8.ValidString(text) {
		return "", p.unexpected("a literal")
	}
	p.rest = p.rest[end:]
	return text, nil
}

func (p *templateParser) accept(token string) bool {
	rest, ok := strings.CutPrefix(p.rest, token)
	p.rest = rest
	return ok
}

func (p *templateParser) unexpected(want string) error {
	got := "ends there"
	if p.rest != "" {
		got = fmt.Sprintf("goes on with %q", p.rest)
	}
	return fmt.Errorf("optest: path template %q at byte %d %s, want %s", p.text, len(p.text)-len(p.rest), got, want)
}
