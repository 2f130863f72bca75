package rules

import (
	"fmt"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// lengths looks for texts that are refused although they fit, or taken although
// they don't, in those fields of requests that create something which the
// function holds for.
func lengths(is func(protoreflect.FieldDescriptor) bool) func(*Env) Machine {
	return func(env *Env) Machine {
		return Machine{Call: func(s *Seen, sink *Sink) {
			if !s.Starts() || s.Request == nil || !env.speaksOfRequest(s) {
				return
			}
			r := s.Request.ProtoReflect()
			for _, l := range limitsOf(r.Descriptor()) {
				if l.length.set && l.field.Kind() == protoreflect.StringKind && !l.field.IsList() && is(l.field) {
					judgeLength(s, l, r.Get(l.field).String(), sink)
				}
			}
		}}
	}
}

func judgeLength(s *Seen, l limits, text string, sink *Sink) {
	n, most := utf8.RuneCountInString(text), l.length.most
	// People don't agree on how many characters a letter with a mark is.
	if !utf8.ValidString(text) || n == 0 || marked(text) {
		return
	}
	key := func(length string) string { return fmt.Sprintf("%s/%s/%s", l.field.Name(), length, width(text)) }
	if n > most {
		// Refused for another field as well, the request proves nothing; accepted, it
		// does.
		if refused(s) && !onlyExcess(s, l.field) {
			return
		}
		length := fmt.Sprint(n)
		if n > most+1 {
			length = fmt.Sprintf("%d and more", most+2)
		}
		sink.Exercise(key(length))
		if !refused(s) {
			sink.Breach(by(s), "%s: %s has %d characters, %d bytes in all, where at most %d characters are allowed, and the call ended with %s; a server that keeps the limit answers INVALID_ARGUMENT",
				s.When(), l.field.Name(), n, len(text), most, ending(s))
		}
		return
	}
	// Refusals of other texts may have other reasons than their length.
	counted := max(len(text), len(utf16.Encode([]rune(text))))
	if n < most && counted <= most {
		return
	}
	paths, detailed := violated(s)
	if refused(s) && !detailed {
		return
	}
	sink.Exercise(key(fmt.Sprint(n)))
	if refused(s) && namesField(paths, l.field) {
		sink.Breach(by(s), "%s: %s has %d characters, %d bytes in all, where %d characters are allowed, and was refused all the same; lengths count characters, not bytes or UTF-16 units, and the limit itself is allowed",
			s.When(), l.field.Name(), n, len(text), most)
	}
}

// onlyExcess reports whether nothing but the field is beyond its limits.
func onlyExcess(s *Seen, f protoreflect.FieldDescriptor) bool {
	for _, e := range excesses(s.Request) {
		if e.field != f {
			return false
		}
	}
	return true
}

func marked(text string) bool {
	for _, c := range text {
		if unicode.Is(unicode.M, c) || unicode.Is(unicode.Cf, c) {
			return true
		}
	}
	return false
}

// width is how many bytes each character of a text takes.
func width(text string) string {
	size := 0
	for _, c := range text {
		n := utf8.RuneLen(c)
		if size != 0 && n != size {
			return "mixed"
		}
		size = n
	}
	return fmt.Sprintf("%d-byte", size)
}
