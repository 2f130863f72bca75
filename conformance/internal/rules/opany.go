package rules

import (
	"fmt"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
)

// anyRules are about metadata, response and the details of an error: messages in
// an Any.
func anyRules() []*Rule {
	return []*Rule{
		{
			ID: "OP-12", Title: "Details of an error are what their type says, each type once", Level: Implied,
			Quote:    "Holds a Protobuf serialization of the type described by type_url.",
			Source:   "google.protobuf.Any.value; API design guide, Errors, details: types of google.rpc.ErrorDetails; AIP-193 on each type once",
			Sees:     content,
			Exercise: "read an operation that fails with details",
			Guard:    "details of types that are not known here pass, as a service may have types of its own; two of one type are a warning",
			New:      weigh(judgeErrorDetails),
			Corrupt: either(
				edit(hasDetails, func(m *operation.Operation) {
					m.GetError().Details[0] = &anypb.Any{TypeUrl: "type.googleapis.com/google.rpc.QuotaFailure", Value: []byte("\xff\xff\xff")}
				}),
				edit(hasDetails, func(m *operation.Operation) {
					m.GetError().Details = append(m.GetError().Details, m.GetError().GetDetails()[0])
				}),
			),
		},
		{
			ID: "OP-13", Title: "Metadata is of the type that the method documents", Core: true, Level: Proto,
			Quote:    "If present, rpc returns operation which metadata field will contains message of specified type.",
			Source:   "yandex/cloud/api/operation.proto, Operation.metadata",
			Sees:     content,
			Exercise: "start an operation and read it",
			Guard:    "only of operations whose start was seen, of methods that name a type, and where metadata is set at all; the host in the type URL is of no matter",
			New: look(func(_ *Env, s *Seen) (bool, string) {
				return typeFault("metadata", s.Answer.GetMetadata(), methodOf(s), func(m *Method) protoreflect.FullName { return m.Metadata })
			}),
			Corrupt: editKnown(
				func(start, s *Seen) bool {
					return start.Method.Metadata != "" && s.Answer.GetMetadata().MessageName() != ""
				},
				func(m *operation.Operation) {
					m.Metadata.TypeUrl = otherType(m.GetMetadata(), "yandex.cloud.clouddesktop.v1.api.CopyDesktopImageMetadata", "yandex.cloud.clouddesktop.v1.api.CopyFromDesktopMetadata")
				},
			),
		},
		{
			ID: "OP-14", Title: "The response is of the type that the method documents", Core: true, Level: Proto,
			Quote:    "rpc returns operation, in case of success response will contains message of specified field.",
			Source:   "yandex/cloud/api/operation.proto, Operation.response",
			Sees:     content,
			Exercise: "start an operation that succeeds and read it when it is done",
			Guard:    "only of operations whose start was seen, of methods that name a type; the host in the type URL is of no matter",
			New: look(func(_ *Env, s *Seen) (bool, string) {
				if !s.Answer.GetDone() {
					return false, ""
				}
				return typeFault("response", s.Answer.GetResponse(), methodOf(s), func(m *Method) protoreflect.FullName { return m.Response })
			}),
			Corrupt: editKnown(
				func(start, s *Seen) bool {
					return start.Method.Response != "" && succeeded(s) && s.Answer.GetResponse().MessageName() != ""
				},
				func(m *operation.Operation) {
					r := m.GetResponse()
					r.TypeUrl, r.Value = otherType(r, "google.protobuf.Empty", "yandex.cloud.clouddesktop.v1.api.DesktopImage"), nil
				},
			),
		},
		{
			ID: "OP-15", Title: "Metadata names the image from the first answer on", Core: true, Level: Guide,
			Quote:    "the returned `Operation` object will contain the ID of the resource being created, even if the operation is not complete yet.",
			Source:   "API design guide, Asynchronous operations",
			Sees:     content,
			Exercise: "create an image and read the operation, before and after it is done",
			Guard:    "only of operations that were seen to begin with the making of an image; metadata that can't be decoded is another rule's",
			New: look(func(_ *Env, s *Seen) (bool, string) {
				m := methodOf(s)
				if !makesImage(m) || s.Answer.MetaErr != nil {
					return false, ""
				}
				switch {
				case s.Answer.GetMetadata() == nil:
					return true, fmt.Sprintf("the operation is %s and has no metadata; its client can't know which image it is about", s.Answer.Rank())
				case s.Answer.ImageID() == "":
					return true, fmt.Sprintf("the operation is %s and its metadata, a %s, has no image_id; its client can't know which image it is about", s.Answer.Rank(), s.Answer.GetMetadata().MessageName().Name())
				}
				return true, ""
			}),
			Corrupt: editKnown(
				func(start, s *Seen) bool { return makesImage(start.Method) && s.Answer.MetaErr == nil },
				func(m *operation.Operation) { m.Metadata = nil },
			),
		},
		{
			ID: "OP-16", Title: "Messages are what their schemas say", Core: true, Level: Implied,
			Quote:    "Holds a Protobuf serialization of the type described by type_url.",
			Source:   "google.protobuf.Any.value; the schemas of operation.Operation, its metadata and its response",
			Sees:     content,
			Exercise: "any call that answers with an operation",
			Guard:    "a newer server may have more fields and an older one those that are reserved by now: both are warnings; types that are not known here pass, and text that is not UTF-8 is another rule's",
			New:      schemaMachine,
			Corrupt: either(
				edit(binaryWith(func(s *Seen) bool { return s.Answer.Result != nil }), func(m *operation.Operation) { m.GetResponse().Value = []byte("\xff\xfe no protobuf") }),
				edit(binaryWith(func(s *Seen) bool { return s.Answer.ImageID() != "" }), func(m *operation.Operation) { m.Metadata.Value = m.Metadata.Value[:len(m.Metadata.Value)-1] }),
				rewrite(binaryWith(anyAnswer), func(_ *Seen, raw []byte) []byte { return raw[:len(raw)-1] }),
			),
		},
		{
			ID: "OP-17", Title: "A type URL has a slash and ends with a type", Level: Implied,
			Quote:    "This string must contain at least one `/` character, and the content after the last `/` must be the fully-qualified name of the type in canonical form, without a leading dot.",
			Source:   "google.protobuf.Any.type_url",
			Sees:     content,
			Exercise: "any call that answers with an operation with metadata, response or details",
			Guard:    "another host than type.googleapis.com is legal, and a warning because old libraries refuse it",
			New:      weigh(judgeTypeURLs),
			Corrupt: either(
				edit(hasMetadata, func(m *operation.Operation) { m.Metadata.TypeUrl = string(m.Metadata.MessageName()) }),
				edit(binaryWith(hasMetadata), func(m *operation.Operation) { m.Metadata.TypeUrl += "/" }),
				edit(binaryWith(hasMetadata), func(m *operation.Operation) { m.Metadata.TypeUrl = "" }),
			),
		},
	}
}

func hasMetadata(s *Seen) bool { return s.Answer.GetMetadata().MessageName() != "" }
func hasDetails(s *Seen) bool  { return len(s.Answer.GetError().GetDetails()) > 0 }

// binaryWith holds for answers in binary that the function holds for.
func binaryWith(is func(*Seen) bool) func(*Seen) bool {
	return func(s *Seen) bool { return s.Answer != nil && len(s.Raw()) > 0 && is(s) }
}

// methodOf is the method that has started the operation which an answer is about,
// nil if that was not seen.
func methodOf(s *Seen) *Method {
	if s.Op.Method == nil && s.Starts() {
		return s.Method
	}
	return s.Op.Method
}

// makesImage reports whether a method's operation makes an image, so that its
// metadata has the image's id.
func makesImage(m *Method) bool {
	return m != nil && (m.Name == MethodCreate || m.Name == MethodCopy)
}

// typeFault says what is wrong with the type of an Any that a method documents.
func typeFault(field string, a *anypb.Any, m *Method, documented func(*Method) protoreflect.FullName) (applies bool, breach string) {
	got := a.MessageName()
	if m == nil || documented(m) == "" || got == "" {
		return false, "" // or the type URL names none, which is a breach of its own
	}
	if want := documented(m); got != want {
		return true, fmt.Sprintf("the %s is a %s, want a %s: that is what %s documents, and what its clients decode", field, got, want, m.Desc.Name())
	}
	return true, ""
}

// otherType is the URL of the first of two types, or of the second where the
// message is of the first.
func otherType(a *anypb.Any, first, second protoreflect.FullName) string {
	if a.MessageName() == first {
		first = second
	}
	return "type.googleapis.com/" + string(first)
}

func judgeErrorDetails(_ *Env, s *Seen, sink *Sink) {
	details := s.Answer.GetError().GetDetails()
	if len(details) == 0 {
		return
	}
	sink.Exercise(cell(s))
	times := map[protoreflect.FullName]int{}
	for i, d := range details {
		name := d.MessageName()
		if name == "" {
			continue
		}
		if times[name]++; times[name] == 2 {
			sink.Warn(by(s), "%s: the error has more than one detail of type %s; libraries that look a detail up by its type see one of them", s.When(), name)
		}
		if _, err := d.UnmarshalNew(); garbled(d, err) != "" {
			sink.Breach(by(s), "%s: detail %d of the error says that it is a %s and is none: %s", s.When(), i, name, garbled(d, err))
		}
	}
}

func judgeTypeURLs(_ *Env, s *Seen, sink *Sink) {
	judge := func(field string, a *anypb.Any) {
		if a == nil {
			return
		}
		sink.Exercise(cell(s))
		const usual = "type.googleapis.com/"
		switch url := a.GetTypeUrl(); {
		case url == "":
			sink.Breach(by(s), "%s: the type URL of %s is empty, so that nobody can know what its %d bytes are", s.When(), field, len(a.GetValue()))
		case !strings.Contains(url, "/"):
			sink.Breach(by(s), "%s: the type URL of %s is %q, without any slash; want a prefix, a slash and the full name of the type", s.When(), field, url)
		case a.MessageName() == "":
			sink.Breach(by(s), "%s: the type URL of %s is %q, and what follows the last slash is the name of no type", s.When(), field, url)
		case !strings.HasPrefix(url, usual) || strings.Count(url, "/") > 1:
			sink.Warn(by(s), "%s: the type URL of %s is %q; it is legal, but some libraries want it to begin with %q", s.When(), field, url, usual)
		}
	}
	judge("metadata", s.Answer.GetMetadata())
	judge("response", s.Answer.GetResponse())
	for i, d := range s.Answer.GetError().GetDetails() {
		judge(fmt.Sprintf("detail %d of the error", i), d)
	}
}
