package mockserver

import (
	"encoding/binary"
	"hash/fnv"
	"strings"
	"unicode/utf8"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// mishearings change what is kept of a request. Latest is the request before it,
// nil without one.
var mishearings = []struct {
	kind optestv1.QuirkFault_Kind
	keep func(m *method, request, latest protoreflect.Message)
}{
	{optestv1.QuirkFault_RESERVED_TAGS_READ, readReservedTags},
	{optestv1.QuirkFault_NAME_TRIMMED, rename(strings.TrimSpace)},
	{optestv1.QuirkFault_NAME_CUT, rename(func(name string) string { return firstRunes(name, 49) })},
	{optestv1.QuirkFault_NAME_COMPOSED, rename(composed.Replace)},
	{optestv1.QuirkFault_LABELS_DROPPED, dropLabels},
	{optestv1.QuirkFault_LABELS_MERGED, mergeLabels},
	{optestv1.QuirkFault_FOLDER_IGNORED, func(_ *method, r, _ protoreflect.Message) { setText(r, "folder_id", "") }},
	{optestv1.QuirkFault_FOLDER_IS_SOURCE, func(m *method, r, _ protoreflect.Message) { setText(r, "folder_id", source(m, r)) }},
}

// keeps is what the server keeps of the request. The caller holds the store's
// lock.
func (c *call) keeps(m *method, p *playing, request proto.Message) proto.Message {
	if !c.quirky(p) {
		return request
	}
	var latest protoreflect.Message
	if op := c.session.store.latest; op != nil {
		latest = op.request().ProtoReflect()
	}
	kept := proto.Clone(request)
	for _, h := range mishearings {
		if q := c.has(h.kind, p); q != nil {
			before := proto.Clone(kept)
			h.keep(m, kept.ProtoReflect(), latest)
			if !proto.Equal(before, kept) {
				c.note(q)
			}
		}
	}
	return kept
}

// source is the id of what an operation is made from, empty without one.
func source(m *method, request protoreflect.Message) string {
	if len(m.cards) == 0 {
		return ""
	}
	return request.Get(m.cards[0]).String()
}

func rename(to func(string) string) func(*method, protoreflect.Message, protoreflect.Message) {
	return func(_ *method, request, _ protoreflect.Message) {
		if f := request.Descriptor().Fields().ByName("name"); f != nil && request.Has(f) {
			setText(request, "name", to(request.Get(f).String()))
		}
	}
}

func firstRunes(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n])
}

// composed joins some letters with the accents after them, as the normalisation
// form C does.
var composed = strings.NewReplacer(
	"a\u0301", "á", "e\u0301", "é", "i\u0301", "í", "o\u0301", "ó", "u\u0301", "ú",
	"a\u0308", "ä", "e\u0308", "ë", "o\u0308", "ö", "u\u0308", "ü",
	"n\u0303", "ñ", "c\u0327", "ç", "и\u0306", "й", "е\u0308", "ё",
)

func dropLabels(_ *method, request, _ protoreflect.Message) {
	if f := request.Descriptor().Fields().ByName("labels"); f != nil {
		request.Clear(f)
	}
}

func mergeLabels(_ *method, request, latest protoreflect.Message) {
	f := request.Descriptor().Fields().ByName("labels")
	if f == nil || !f.IsMap() || latest == nil || latest.Descriptor() != request.Descriptor() {
		return
	}
	to := request.Mutable(f).Map()
	latest.Get(f).Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		if !to.Has(k) {
			to.Set(k, v)
		}
		return true
	})
}

// readReservedTags takes folder and name from the tags that an older version had.
func readReservedTags(_ *method, request, _ protoreflect.Message) {
	eachField(request.GetUnknown(), func(n protowire.Number, t protowire.Type, field []byte) []byte {
		if t == protowire.BytesType && (n == 1 || n == 2) {
			_, _, tag := protowire.ConsumeTag(field)
			value, _ := protowire.ConsumeBytes(field[tag:])
			setText(request, map[protowire.Number]protoreflect.Name{1: "folder_id", 2: "name"}[n], strings.ToValidUTF8(string(value), "?"))
		}
		return nil
	})
}

// marks are quirks that an operation and its resource keep from their creation
// on.
type marks uint32

const (
	idReused marks = 1 << iota
	idIsSource
	hiddenUntilDone
	leftByFailure
	leftByCancel
	knownByProtocol
)

var marking = []struct {
	kind optestv1.QuirkFault_Kind
	mark marks
}{
	{optestv1.QuirkFault_ID_REUSED, idReused},
	{optestv1.QuirkFault_ID_IS_SOURCE, idIsSource},
	{optestv1.QuirkFault_IMAGE_HIDDEN_UNTIL_DONE, hiddenUntilDone},
	{optestv1.QuirkFault_IMAGE_LEFT_BY_FAILURE, leftByFailure},
	{optestv1.QuirkFault_IMAGE_LEFT_BY_CANCEL, leftByCancel},
	{optestv1.QuirkFault_STORE_PER_PROTOCOL, knownByProtocol},
}

// marks are those of the operation that the call starts.
func (c *call) marks(p *playing) marks {
	var all marks
	if !c.quirky(p) {
		return all
	}
	for _, m := range marking {
		if c.quirk(m.kind, p) {
			all |= m.mark
		}
	}
	return all
}

// embellish changes what is answered of an operation that stays as it is.
func (c *call) embellish(op *longRunning, m *operation.Operation) {
	if !c.quirky(op.playing) {
		return
	}
	if f := fieldNamed(op.request(), "name"); f != nil && c.quirk(optestv1.QuirkFault_DESCRIPTION_HOLDS_NAME, op.playing) {
		const room = 210
		text := op.method.title + " as "
		m.Description = text + strings.Repeat(".", room-len(text)) + op.request().ProtoReflect().Get(f).String()
	}
	if c.quirk(optestv1.QuirkFault_CREATOR_IS_CALLER, op.playing) {
		m.CreatedBy = c.caller()
	}
}

// caller is an id for who calls: by its token or, without one, its connection.
func (c *call) caller() string {
	who := c.header("Authorization")
	if who == "" {
		who = c.record.Peer
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(who))
	const digits = "0123456789abcdefghijklmnopqrstuv"
	id := []byte("ajecaller")
	for _, b := range binary.BigEndian.AppendUint64(nil, h.Sum64()) {
		id = append(id, digits[b&31])
	}
	return string(append(id, "000"...))
}
