package rules

import (
	"fmt"
	"unicode/utf8"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// sentTags are the fields of a request that starts something, as they were sent;
// nil where the bytes were not seen or are not in binary.
func sentTags(s *Seen) []Tag {
	b := s.Event.Request
	if !s.Starts() || b == nil || b.Cut() || s.RequestCodec != optestv1.Event_PROTO || s.RequestFidelity != optestv1.Event_FIDELITY_UNSPECIFIED {
		return nil
	}
	tags, ok := Tags(b.Bytes())
	if !ok {
		return nil
	}
	return tags
}

// strangeTags are those that the method's request does not have.
func strangeTags(s *Seen) []Tag {
	var list []Tag
	for _, t := range sentTags(s) {
		if s.Method.Desc.Input().Fields().ByNumber(t.Number) == nil {
			list = append(list, t)
		}
	}
	return list
}

// judgeStrangeTags looks for requests that were refused for a field which the
// server does not know, and for images that got what stood in one.
func judgeStrangeTags(*Env) Machine {
	sent := map[*Op][]Tag{}
	good := map[string]bool{} // folders and desktops of accepted creates
	check := func(op *Op, s *Seen, image *clouddesktop.DesktopImage, sink *Sink) {
		request, ok := op.wanted()
		if !ok || image == nil {
			return
		}
		for _, t := range sent[op] {
			sink.Exercise(fmt.Sprintf("tag %d in an image", t.Number))
			if field := honoured(t, request, image); field != "" {
				sink.breachOf(op, evidence(op.Start, s), "%s: %s of the image is %q, which the request has in field %d alone; that field is reserved or unknown, and what an older client means by it is nothing that a server may guess",
					s.When(), field, short(string(t.Value)), t.Number)
			}
		}
	}
	return Machine{
		Call: func(s *Seen, sink *Sink) {
			if image, ok := s.Response.(*clouddesktop.DesktopImage); ok && s.Made != nil {
				check(s.Made, s, image, sink)
			}
			if !s.Starts() {
				return
			}
			place, known := placeOf(s)
			strange := strangeTags(s)
			if len(strange) == 0 {
				if known && started(s) && len(good) < maxVisited {
					good[place] = true
				}
				return
			}
			switch {
			case started(s):
				for _, t := range strange {
					sink.Exercise(fmt.Sprintf("tag %d", t.Number))
				}
				if s.Op.Start == s {
					if len(sent) >= maxVisited {
						clear(sent)
					}
					sent[s.Op] = strange
				}
			case refused(s) || s.Failed() && speaks(s) && s.Code() == code.Code_INTERNAL:
				judgeRefusedTags(s, strange, known && good[place], sink)
			}
		},
		Look: func(s *Seen, sink *Sink) {
			if s.Answer.Image != nil && own(s) {
				check(s.Op, s, s.Answer.Image, sink)
			}
		},
	}
}

// placeOf is what a create says of where to copy from and to.
func placeOf(s *Seen) (place string, ok bool) {
	r, ok := s.Request.(imageRequest)
	if !ok || r.GetFolderId() == "" || r.GetName() == "" {
		return "", false
	}
	return r.GetFolderId() + "\x00" + sourceOf(r), true
}

func judgeRefusedTags(s *Seen, strange []Tag, elsewhereGood bool, sink *Sink) {
	if s.Request == nil || len(excesses(s.Request)) > 0 {
		return
	}
	paths, detailed := violated(s)
	for _, path := range paths {
		if fieldAt(s.Method.Desc.Input(), path) != nil {
			return // there is another reason
		}
	}
	if !detailed && !elsewhereGood {
		return
	}
	sink.Exercise(fmt.Sprintf("tag %d", strange[0].Number))
	sink.Breach(by(s), "%s: the request is right but for field %d, which the server need not know, and ended with %s; unknown fields are ignored, or no newer client can talk to an older server", s.When(), strange[0].Number, ending(s))
}

// honoured is the field of an image that has got the text of a field which nobody
// knows, empty for none.
func honoured(t Tag, request imageRequest, image *clouddesktop.DesktopImage) string {
	const shortest = 6 // shorter texts may be in both by chance
	if t.Type != protowire.BytesType || utf8.RuneCount(t.Value) < shortest {
		return ""
	}
	text := string(t.Value)
	for _, f := range []struct{ name, got, asked string }{
		{"folder_id", image.GetFolderId(), request.GetFolderId()},
		{"name", image.GetName(), request.GetName()},
		{"description", image.GetDescription(), request.GetDescription()},
	} {
		if f.got == text && f.asked != text {
			return f.name
		}
	}
	return ""
}

// judgeText looks for text that is not UTF-8 and was accepted.
func judgeText(*Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if s.RequestErr == nil || !s.Starts() {
			return
		}
		field := garbledField(s.Method.Desc.Input(), sentTags(s))
		if field == "" {
			return
		}
		switch {
		case s.OK():
			sink.Exercise(field)
			sink.Breach(by(s), "%s: %s is not UTF-8 and was accepted; a string field holds text, and no client can read back what this one holds", s.When(), field)
		case speaks(s):
			sink.Exercise(field)
		}
	}}
}

// garbledField is the first field of text, or with text in it, that is not UTF-8,
// empty for none.
func garbledField(desc protoreflect.MessageDescriptor, tags []Tag) string {
	for _, t := range tags {
		f := desc.Fields().ByNumber(t.Number)
		if f == nil || t.Type != protowire.BytesType {
			continue
		}
		switch {
		case f.Kind() == protoreflect.StringKind && !utf8.Valid(t.Value):
			return string(f.Name())
		case f.IsMap():
			if inner, ok := Tags(t.Value); ok && garbledField(f.Message(), inner) != "" {
				return string(f.Name())
			}
		}
	}
	return ""
}
