package constraint

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Bounds of one answer. maxBytes holds the texts under what a gRPC client takes
// as a header: 8 KiB in C-core and Node, where base64 makes 4 KiB about 5.5.
const (
	maxViolations = 32
	maxBytes      = 4 << 10
	maxPath       = 320 // bytes; a quoted key and the name before it
	maxText       = 512 // bytes
	maxKey        = 64  // bytes of a map key; quoting makes at most four of one
)

// report gathers violations up to its bounds and counts the rest.
type report struct {
	kept    []*errdetails.BadRequest_FieldViolation
	bytes   int
	full    bool
	leftOut int
}

// wanted reports whether one more violation is to be written out, or else counts
// it.
func (r *report) wanted() bool {
	if r.full || len(r.kept) == maxViolations {
		r.full = true
		r.leftOut++
		return false
	}
	return true
}

func (r *report) add(path, text string) {
	text = shorten(text, maxText)
	if r.bytes+len(path)+len(text) > maxBytes {
		r.full = true
		r.leftOut++
		return
	}
	r.bytes += len(path) + len(text)
	r.kept = append(r.kept, &errdetails.BadRequest_FieldViolation{Field: path, Description: text})
}

func (r *report) violations() []*errdetails.BadRequest_FieldViolation {
	switch r.leftOut {
	case 0:
		return r.kept
	case 1:
		return append(r.kept, &errdetails.BadRequest_FieldViolation{Description: "1 more violation is left out"})
	}
	return append(r.kept, &errdetails.BadRequest_FieldViolation{
		Description: strconv.Itoa(r.leftOut) + " more violations are left out",
	})
}

// segment is one step of a field path: a field, or an entry of one.
type segment struct {
	name  string
	kind  segmentKind
	index int
	key   protoreflect.MapKey
}

type segmentKind uint8

const (
	plain segmentKind = iota
	indexed
	keyed
)

func (s segment) String() string {
	switch s.kind {
	case indexed:
		return s.name + "[" + strconv.Itoa(s.index) + "]"
	case keyed:
		if key, ok := s.key.Interface().(string); ok {
			// Quoting also keeps the path valid UTF-8, without which it could not
			// be sent.
			return s.name + "[" + strconv.Quote(shorten(key, maxKey)) + "]"
		}
		return s.name + "[" + s.key.String() + "]"
	}
	return s.name
}

// pathString keeps the end of a path that is too long: the field at fault.
func pathString(entered []segment, last segment) string {
	var b strings.Builder
	for _, s := range entered {
		b.WriteString(s.String())
		b.WriteByte('.')
	}
	b.WriteString(last.String())
	path := b.String()
	if len(path) <= maxPath {
		return path
	}
	path = path[len(path)-maxPath+len("…"):]
	for len(path) > 0 && !utf8.RuneStart(path[0]) {
		path = path[1:]
	}
	return "…" + path
}

// shorten cuts s to at most limit bytes, between code points.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	cut := limit - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
