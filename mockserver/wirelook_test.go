package mockserver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

// look is what of a call is looked at, in words.
type look func(sighting) string

// codeOf is the code that grpc-go has made of the call.
func codeOf(s sighting) string {
	return code.Code_name[int32(status.Code(s.err))]
}

// timed is the code, and how long the client had to wait for it.
func timed(s sighting) string { return fmt.Sprintf("%s after %v", codeOf(s), s.took) }

// onWire is the code, how the client's library came to it, and what the server
// has sent. Of the usual answer it is the code only.
func onWire(s sighting) string {
	text := codeOf(s)
	if s.streams != 1 {
		text += fmt.Sprintf(" at attempt %d", s.streams)
	}
	if s.reconnected {
		text += " over a new connection"
	}
	seen := words(s.frames)
	switch {
	case seen == "HEADERS 200, message, HEADERS grpc-status 0 END" && len(s.ends) == 0:
		return text
	case seen == "":
		seen = strings.Join(s.ends, ", ")
	case len(s.ends) > 0:
		seen += ", " + strings.Join(s.ends, ", ")
	}
	if seen == "" {
		seen = "silence"
	}
	return text + " <" + seen + ">"
}

// header is what the server has sent under a name.
func header(name string) look {
	return func(s sighting) string {
		for _, f := range s.frames {
			if v, ok := f.header[name]; ok {
				return v
			}
		}
		return "none"
	}
}

// headerLine is what the server has sent under a name, with the name.
func headerLine(name string) look {
	return func(s sighting) string { return name + ": " + header(name)(s) }
}

// field is one of a message in protobuf's encoding.
type field struct {
	number protowire.Number
	bytes  []byte // of a message, text or bytes
	varint uint64
}

// fields are those of the bytes in their order, repeated ones too, as far as the
// bytes can be read.
func fields(raw []byte) []field {
	var list []field
	for len(raw) > 0 {
		number, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return append(list, field{})
		}
		raw = raw[n:]
		f := field{number: number}
		switch kind {
		case protowire.VarintType:
			f.varint, n = protowire.ConsumeVarint(raw)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(raw)
		default:
			n = protowire.ConsumeFieldValue(number, kind, raw)
		}
		if n < 0 {
			return append(list, field{})
		}
		raw = raw[n:]
		list = append(list, f)
	}
	return list
}

// at is the last field of a number, as decoders take it.
func at(raw []byte, path ...protowire.Number) field {
	var found field
	for i, number := range path {
		found = field{}
		for _, f := range fields(raw) {
			if f.number == number {
				found = f
			}
		}
		if i < len(path)-1 {
			raw = found.bytes
		}
	}
	return found
}

// The fields of an Operation, a Status and an Any.
const (
	idField, createdField, modifiedField, doneField, metadataField, errorField, responseField = 1, 3, 5, 6, 7, 8, 9
	codeField, messageField, detailsField                                                     = 1, 2, 3
	typeField, valueField                                                                     = 1, 2
)

// result is whether the operation is done and what it has of error and response,
// in the order of the bytes.
func result(s sighting) string {
	if s.err != nil {
		return codeOf(s)
	}
	raw := s.raw()
	text := "running"
	if at(raw, doneField).varint == 1 {
		text = "done"
	}
	for _, f := range fields(raw) {
		switch f.number {
		case errorField:
			text += " + error " + codeName(at(f.bytes, codeField).varint)
		case responseField:
			text += " + response"
		}
	}
	return text
}

func codeName(number uint64) string {
	if name, ok := code.Code_name[int32(number)]; ok {
		return name
	}
	return fmt.Sprint(number)
}

// types are the type URLs of metadata and response, without what is usual.
func types(s sighting) string {
	text := "metadata " + typeURL(at(s.raw(), metadataField))
	if f := at(s.raw(), responseField); f.number != 0 {
		text += ", response " + typeURL(f)
	}
	return text
}

func typeURL(f field) string {
	if f.number == 0 {
		return "none"
	}
	url := string(at(f.bytes, typeField).bytes)
	return strings.TrimPrefix(url, "type.googleapis.com/yandex.cloud.clouddesktop.v1.api.")
}

// responseBytes are those in the Any.
func responseBytes(s sighting) string {
	return fmt.Sprintf("%q", at(s.raw(), responseField, valueField).bytes)
}

// imageStatus is the number of the status of the image in the response.
func imageStatus(s sighting) string {
	const statusField = 5
	return fmt.Sprintf("status %d", at(s.raw(), responseField, valueField, statusField).varint)
}

// numbers are those of all fields.
func numbers(s sighting) string {
	var list []string
	for _, f := range fields(s.raw()) {
		list = append(list, fmt.Sprint(f.number))
	}
	return "fields " + strings.Join(list, " ")
}

// whose says whether the answer is about the operation that was asked for.
func whose(s sighting) string {
	if id := string(at(s.raw(), idField).bytes); id != s.w.id {
		return "of " + id
	}
	return "own"
}

// stamps are created_at and modified_at, as they differ from when the operation
// was created.
func stamps(s sighting) string {
	text := func(number protowire.Number) string {
		const secondsField, nanosField = 1, 2
		raw := at(s.raw(), number).bytes
		seconds, nanos := int64(at(raw, secondsField).varint), int32(at(raw, nanosField).varint)
		if nanos < 0 {
			return fmt.Sprintf("nanos %d", nanos)
		}
		t := time.Unix(seconds, int64(nanos)).UTC()
		if d := t.Sub(s.w.began); d.Abs() < 100*24*time.Hour {
			return d.String()
		}
		return fmt.Sprintf("year %d", t.Year())
	}
	return "created " + text(createdField) + ", modified " + text(modifiedField)
}

// details are the types of the details of the operation's error.
func details(s sighting) string {
	return codeName(at(s.raw(), errorField, codeField).varint) + ": " + detailTypes(at(s.raw(), errorField).bytes)
}

// statusDetails are the types of the details of the call's status.
func statusDetails(s sighting) string {
	if s.err == nil {
		return codeOf(s)
	}
	var list []string
	for _, d := range status.Convert(s.err).Proto().GetDetails() {
		list = append(list, shortType(d.GetTypeUrl()))
	}
	return codeOf(s) + ": " + strings.Join(list, ", ")
}

func detailTypes(raw []byte) string {
	var list []string
	for _, f := range fields(raw) {
		if f.number == detailsField {
			list = append(list, shortType(string(at(f.bytes, typeField).bytes)))
		}
	}
	return strings.Join(list, ", ")
}

func shortType(url string) string {
	return strings.TrimPrefix(strings.TrimPrefix(url, "type.googleapis.com/"), "google.rpc.")
}

// page is an answer over REST: its status, content type and text.
func page(s sighting) string {
	if s.rest == nil {
		return fmt.Sprint(s.err)
	}
	body := string(s.rest.body)
	if title, _, ok := strings.Cut(body, "</title>"); ok {
		body = title[strings.Index(title, "<title>")+len("<title>"):]
	}
	if id := member("id")(s); strings.HasPrefix(id, "id: ") {
		body = "an operation"
	}
	return fmt.Sprintf("%d %s %s", s.rest.status, s.rest.contentType, body)
}

// members are the names of an answer over REST, in order.
func members(s sighting) string {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(s.rest.body, &object); err != nil {
		return err.Error()
	}
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return bytes.Index(s.rest.body, []byte(`"`+a+`":`)) - bytes.Index(s.rest.body, []byte(`"`+b+`":`))
	})
	return strings.Join(names, " ")
}

// member is the text of one value of an answer over REST, by its path.
func member(path ...string) look {
	return func(s sighting) string {
		raw := json.RawMessage(s.rest.body)
		for _, name := range path {
			var object map[string]json.RawMessage
			if err := json.Unmarshal(raw, &object); err != nil {
				return err.Error()
			}
			var ok bool
			if raw, ok = object[name]; !ok {
				return "no " + name
			}
		}
		return path[len(path)-1] + ": " + string(raw)
	}
}
