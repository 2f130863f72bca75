package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strings"
	"unicode"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// unsupportedMedia judges a body by its headers, before the call. A body that
// is known to be empty has no media type to judge.
func unsupportedMedia(b *binding, r *http.Request) *connect.Error {
	if r.ContentLength == 0 {
		return nil
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return invalid("content encoding %s, want none", quote(encoding))
	}
	if !b.wholeBody && b.body == nil {
		return nil
	}
	contentType := r.Header.Get("Content-Type")
	// curl says that what -d sends is a form, unless told otherwise. It is taken
	// for JSON, as the published API's transcoder does: a real form then fails
	// as JSON.
	if contentType == "" || contentType == "application/json" || contentType == "application/x-www-form-urlencoded" {
		return nil
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "application/json" {
		return invalid("content type %s, want application/json", quote(contentType))
	}
	switch charset := strings.ToLower(params["charset"]); charset {
	case "", "utf-8", "utf8", "us-ascii":
		return nil
	default:
		return invalid("charset %s, want utf-8", quote(charset))
	}
}

// readBody reads all of the request's body into dst, up to limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, dst *bytes.Buffer) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	if r.ContentLength > limit {
		return invalid("request body %d bytes, want at most %d", r.ContentLength, limit)
	}
	if r.ContentLength > 0 {
		// ReadFrom wants some room to see the end of the body. A length that is
		// only announced does not get all of its memory.
		dst.Grow(int(min(r.ContentLength, maxPooled)) + bytes.MinRead)
	}
	_, err := dst.ReadFrom(http.MaxBytesReader(w, r.Body, limit))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return invalid("request body over %d bytes, want at most that", tooLarge.Limit)
	}
	if err == nil {
		return nil
	}
	if cause := r.Context().Err(); cause != nil {
		return cause
	}
	return invalid("request body broke off after %d bytes, want all of it: %v", dst.Len(), err).WithCause(err)
}

// decodeBody sets the fields that the body holds and clears all others.
func decodeBody(m protoreflect.Message, b *binding, raw []byte) error {
	empty := len(bytes.TrimSpace(raw)) == 0
	switch {
	case b.wholeBody && !empty:
		return decodeJSON(raw, m)
	case b.body != nil && !empty:
		return decodeBodyField(m, b.body, raw)
	case !empty && !emptyObject(raw):
		return invalid("request body %d bytes, want none: %s takes its fields from the path and the query", len(raw), b.method.Name())
	default:
		return nil
	}
}

// emptyObject lets a client post "{}" where nothing is bound to the body.
func emptyObject(raw []byte) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) >= 2 && raw[0] == '{' && raw[len(raw)-1] == '}' && len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0
}

func decodeBodyField(m protoreflect.Message, path fieldPath, raw []byte) error {
	holder, err := path.holder(m)
	if err != nil {
		return err
	}
	field := path.leaf()
	if field.Message() != nil && !field.IsList() && !field.IsMap() {
		return decodeJSON(raw, holder.Mutable(field).Message())
	}
	// ProtoJSON decodes only messages: put the value into one. It has to be a
	// single value, lest it smuggle in the fields next to it.
	var value json.RawMessage
	if err := json.Unmarshal(raw, &value); err != nil {
		return invalid("request body for %s: %v, want one JSON value", path, err)
	}
	object, err := json.Marshal(map[string]json.RawMessage{field.JSONName(): value})
	if err != nil {
		return invalid("request body for %s: %v, want one JSON value", path, err)
	}
	only := holder.New()
	if err := decodeJSON(object, only); err != nil {
		return err
	}
	if only.Has(field) {
		holder.Set(field, only.Get(field))
	}
	return nil
}

// decodeJSON leaves required fields to be checked when the path is in, too.
func decodeJSON(raw []byte, m protoreflect.Message) error {
	err := protojson.UnmarshalOptions{AllowPartial: true}.Unmarshal(raw, m.Interface())
	if err == nil {
		return nil
	}
	return invalid("request body %s, want the JSON form of %s", plainProtoError(err), m.Descriptor().FullName()).WithCause(err)
}

// plainProtoError takes off the "proto:" and the space after it, which package
// protobuf varies on purpose between builds.
func plainProtoError(err error) string {
	text := strings.TrimPrefix(err.Error(), "proto:")
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	if len(text) > 4*maxQuoted {
		text = strings.ToValidUTF8(text[:4*maxQuoted], "") + " …"
	}
	return text
}
