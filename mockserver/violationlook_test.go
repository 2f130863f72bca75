package mockserver_test

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

const descriptionField, creatorField protowire.Number = 2, 4

// both joins what two looks see.
func both(a, b look) look {
	return func(s sighting) string { return a(s) + ", " + b(s) }
}

// operation is what was sent, decoded.
func (s sighting) operation() *operation.Operation {
	op := &operation.Operation{}
	// Garbage leaves what could be read of it.
	_ = proto.Unmarshal(s.raw(), op)
	return op
}

// made is the image in the response, empty without one.
func (s sighting) made() *clouddesktop.DesktopImage {
	image := &clouddesktop.DesktopImage{}
	// Garbage leaves what could be read of it.
	_ = proto.Unmarshal(s.operation().GetResponse().GetValue(), image)
	return image
}

// has names the fields of an Operation that are there, of those that are always.
func has(s sighting) string {
	text := "has"
	for _, f := range fields(s.raw()) {
		text += fmt.Sprintf(" %d", f.number)
	}
	return text
}

func descriptionLength(s sighting) string {
	text := at(s.raw(), descriptionField).bytes
	return fmt.Sprintf("description of %d characters, UTF-8 %v", utf8.RuneCount(text), utf8.Valid(text))
}

func descriptionText(s sighting) string {
	return fmt.Sprintf("%q", at(s.raw(), descriptionField).bytes)
}

func creator(s sighting) string { return "by " + string(at(s.raw(), creatorField).bytes) }

// doneBytes are the values of the field done in the order of the bytes.
func doneBytes(s sighting) string {
	text := "done"
	for _, f := range fields(s.raw()) {
		if f.number == doneField {
			text += fmt.Sprintf(" %d", f.varint)
		}
	}
	return text
}

// idBytes tells the ids in the order of the bytes.
func idBytes(s sighting) string {
	text := "ids"
	for _, f := range fields(s.raw()) {
		if f.number != idField {
			continue
		}
		if string(f.bytes) == s.w.id {
			text += " own"
		} else {
			text += " " + string(f.bytes)
		}
	}
	return text
}

// message is the text of the operation's error.
func message(s sighting) string {
	return fmt.Sprintf("message %q", at(s.raw(), errorField, messageField).bytes)
}

// firstDetail are the bytes of the first detail of the operation's error.
func firstDetail(s sighting) string {
	return fmt.Sprintf("%q", at(s.raw(), errorField, detailsField, valueField).bytes)
}

// imageIDs compares the ids in metadata and response with that of the first
// answer.
func imageIDs(s sighting) string {
	name := func(id []byte) string {
		switch {
		case len(id) == 0:
			return "none"
		case len(id) > 20:
			return fmt.Sprintf("of %d characters", len(id))
		case string(id) == s.w.image:
			return "own"
		}
		return string(id)
	}
	const imageID, responseID = 1, 1
	text := "metadata " + name(at(s.raw(), metadataField, valueField, imageID).bytes)
	if r := at(s.raw(), responseField); r.number != 0 {
		text += ", response " + name(at(r.bytes, valueField, responseID).bytes)
	}
	return text
}

// kept is what of the request came back in the response.
func kept(s sighting) string {
	m := s.made()
	return fmt.Sprintf("name %q in %q, labels %v", m.GetName(), m.GetFolderId(), m.GetLabels())
}

func sizes(s sighting) string {
	return fmt.Sprintf("sizes %d, %d", s.made().GetStorageSize(), s.made().GetMinDiskSize())
}

func imageAge(s sighting) string {
	return fmt.Sprintf("image of the year %d", s.made().GetCreatedAt().AsTime().Year())
}

// modified is how long after creation the operation was last modified.
func modified(s sighting) string {
	return "modified " + s.operation().GetModifiedAt().AsTime().Sub(s.w.began).String()
}

func created(s sighting) string {
	return "created " + s.operation().GetCreatedAt().AsTime().Sub(s.w.began).String()
}

// refusal is the code and the field that the details name.
func refusal(s sighting) string {
	text := codeOf(s)
	for _, d := range status.Convert(s.err).Details() {
		if b, ok := d.(*errdetails.BadRequest); ok {
			for _, v := range b.GetFieldViolations() {
				text += " " + v.GetField()
			}
		}
	}
	return text
}

// trailer is what the server has sent under a name, be it in the first or in the
// last headers.
func trailer(name string) look {
	return func(s sighting) string { return codeOf(s) + ", " + name + " " + fmt.Sprintf("%q", header(name)(s)) }
}

// statusInDetails is the code within grpc-status-details-bin.
func statusInDetails(s sighting) string {
	return fmt.Sprintf("status %v, in details %s", header("grpc-status")(s), codeName(uint64(status.Convert(s.err).Proto().GetCode())))
}

// plainly is an answer over HTTP with its body, ids left out.
func (w *watcher) plainly(s sighting) string {
	if s.err != nil {
		return s.err.Error()
	}
	body := strings.NewReplacer(w.id, "ID", w.image, "IMAGE").Replace(string(s.rest.body))
	if w.id == "" {
		body = string(s.rest.body)
	}
	const longest = 90
	if len(body) > longest {
		body = body[:longest] + "…"
	}
	return fmt.Sprintf("%d %s %s", s.rest.status, s.rest.contentType, body)
}

func seconds(d time.Duration) string { return d.Round(time.Second).String() }
