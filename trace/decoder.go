package trace

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// ErrNoMessage is the error of decoding what an event does not hold: there was no
// message, the observer did not keep it, or only a part.
var ErrNoMessage = errors.New("no message")

// decodedMessages bounds what a [Decoder] keeps.
const decodedMessages = 16 << 20

// Decoder turns the blobs of events into messages by the descriptors of their
// methods. What it has decoded lately it keeps, so that the polls of an operation
// cost one decoding for each distinct answer. It is safe for concurrent use.
type Decoder struct {
	files *protoregistry.Files
	types *protoregistry.Types

	mu      sync.Mutex
	decoded *generations[decodeKey, decoded]
}

type decodeKey struct {
	blob  *Blob
	name  protoreflect.FullName
	codec optestv1.Event_Codec
}

type decoded struct {
	message proto.Message
	err     error
}

// NewDecoder takes what to look methods and types up in. nil is the global
// registry, which has all generated packages that are linked in.
func NewDecoder(files *protoregistry.Files, types *protoregistry.Types) *Decoder {
	if files == nil {
		files = protoregistry.GlobalFiles
	}
	if types == nil {
		types = protoregistry.GlobalTypes
	}
	return &Decoder{files: files, types: types, decoded: newGenerations[decodeKey, decoded](decodedMessages)}
}

// Method is the descriptor of `package.Service/Method`.
func (d *Decoder) Method(name string) (protoreflect.MethodDescriptor, error) {
	service, method, ok := strings.Cut(name, "/")
	if ok {
		found, err := d.files.FindDescriptorByName(protoreflect.FullName(service))
		if s, is := found.(protoreflect.ServiceDescriptor); err == nil && is {
			if m := s.Methods().ByName(protoreflect.Name(method)); m != nil {
				return m, nil
			}
		}
	}
	return nil, fmt.Errorf("optest: method %s is not known, want package.Service/Method of a descriptor that is linked in", quote(name))
}

// Request is the request of an event, shared and not to be changed. A blob that
// is no such message is an error, one that is missing is [ErrNoMessage].
func (d *Decoder) Request(e *Event) (proto.Message, error) {
	m, err := d.Method(e.Method)
	if err != nil {
		return nil, err
	}
	return d.message(e, "request", m.Input(), e.Request, e.RequestCodec, e.RequestFidelity)
}

// Response is the response of an event, shared and not to be changed. A blob that
// is no such message is an error, one that is missing is [ErrNoMessage], as is
// the body of an error.
func (d *Decoder) Response(e *Event) (proto.Message, error) {
	m, err := d.Method(e.Method)
	if err != nil {
		return nil, err
	}
	if e.Outcome != optestv1.Event_OK {
		return nil, fmt.Errorf("optest: event %d ended with %s: %w", e.Number, e.Outcome, ErrNoMessage)
	}
	return d.message(e, "response", m.Output(), e.Response, e.ResponseCodec, e.ResponseFidelity)
}

func (d *Decoder) message(
	e *Event, side string, desc protoreflect.MessageDescriptor, b *Blob, codec optestv1.Event_Codec, fidelity optestv1.Event_Fidelity,
) (proto.Message, error) {
	switch {
	case b == nil && fidelity != optestv1.Event_FIDELITY_UNSPECIFIED:
		return nil, fmt.Errorf("optest: the %s of event %d is %s: %w", side, e.Number, fidelity, ErrNoMessage)
	case b == nil:
		return nil, fmt.Errorf("optest: event %d has no %s: %w", e.Number, side, ErrNoMessage)
	case b.Cut():
		return nil, fmt.Errorf("optest: of the %s of event %d are %d of %d bytes left: %w", side, e.Number, len(b.Bytes()), b.Length(), ErrNoMessage)
	}
	key := decodeKey{b, desc.FullName(), codec}
	d.mu.Lock()
	known, ok := d.decoded.get(key)
	d.mu.Unlock()
	if !ok {
		known.message, known.err = d.decode(b.Bytes(), desc.FullName(), codec)
		const growth = 4 // of a message in memory over its bytes
		d.mu.Lock()
		d.decoded.put(key, known, growth*len(b.Bytes())+2*blobCost)
		d.mu.Unlock()
	}
	if known.err != nil {
		return nil, fmt.Errorf("optest: the %s of event %d: %w", side, e.Number, known.err)
	}
	return known.message, nil
}

func (d *Decoder) decode(data []byte, name protoreflect.FullName, codec optestv1.Event_Codec) (proto.Message, error) {
	t, err := d.types.FindMessageByName(name)
	if err != nil {
		return nil, fmt.Errorf("type %s is not linked in: %w", name, err)
	}
	m := t.New().Interface()
	switch codec {
	case optestv1.Event_PROTO:
		err = proto.UnmarshalOptions{Resolver: d.types}.Unmarshal(data, m)
	case optestv1.Event_JSON:
		// A newer server may know more than we; a rule that minds looks at the bytes.
		err = unmarshalJSON(data, m, d.types)
	default:
		return nil, fmt.Errorf("codec %s, want PROTO or JSON: %w", codec, ErrNoMessage)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %s", name, plainly(err))
	}
	return m, nil
}
