package rules

import (
	"fmt"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Seen is an event together with what its bytes mean. It does not change.
type Seen struct {
	*trace.Event
	// Method is nil for one that is not known.
	Method *Method
	// Request is nil where it was not seen or is no such message; RequestErr then
	// says why.
	Request    proto.Message
	RequestErr error
	// Response is nil unless the call ended with OK and its bytes are such a message;
	// ResponseErr then says why.
	Response    proto.Message
	ResponseErr error
	// Answer is the response where it is an Operation, else nil. Events that saw the
	// same bytes share it.
	Answer *Answer
	// Op is the operation that the call is about, nil for one about none. It tells
	// of calls that have returned before.
	Op *Op
	// Made is the operation that has made the image which the call is about, nil for
	// one about none.
	Made *Op
	// Fresh: these bytes were not seen before as an answer about this operation.
	Fresh bool

	look *Look // that the answer is, nil without one
}

// Answer is an Operation together with what is in it.
type Answer struct {
	*operation.Operation
	// Meta is the message in metadata, nil without one or where it does not decode;
	// MetaErr then says why.
	Meta    proto.Message
	MetaErr error
	// Result is the message in response, nil without one or where it does not decode;
	// ResultErr then says why.
	Result    proto.Message
	ResultErr error
	// Image is Result where it is a DesktopImage, else nil.
	Image *clouddesktop.DesktopImage

	imageID string
	rank    Rank
}

func newAnswer(m *operation.Operation) *Answer {
	a := &Answer{Operation: m}
	a.Meta, a.MetaErr = unpacked(m.GetMetadata())
	a.Result, a.ResultErr = unpacked(m.GetResponse())
	a.Image, _ = a.Result.(*clouddesktop.DesktopImage)
	if meta, ok := a.Meta.(interface{ GetImageId() string }); ok {
		a.imageID = meta.GetImageId()
	}
	switch {
	case m.GetDone():
		a.rank = Done
	case m.GetError() != nil:
		a.rank = Failing
	}
	return a
}

func unpacked(m *anypb.Any) (proto.Message, error) {
	if m == nil {
		return nil, nil
	}
	return m.UnmarshalNew()
}

// ImageID is that of the metadata, empty without one.
func (a *Answer) ImageID() string { return a.imageID }

// Rank is how far an operation has come. One that conforms never goes back.
type Rank int

const (
	Pending Rank = iota
	Failing
	Done
)

func (r Rank) String() string {
	switch r {
	case Pending:
		return "in progress"
	case Failing:
		return "in progress with an error"
	case Done:
		return "done"
	}
	return "unknown"
}

func (a *Answer) Rank() Rank { return a.rank }

// Outcome is the set member of the result: error, response or neither.
func (a *Answer) Outcome() string {
	switch a.GetResult().(type) {
	case *operation.Operation_Error:
		return "error"
	case *operation.Operation_Response:
		return "response"
	}
	return "neither"
}

// OK reports whether the call ended with OK.
func (s *Seen) OK() bool { return s.Outcome == optestv1.Event_OK }

// Failed reports whether the call ended with a status.
func (s *Seen) Failed() bool { return s.Outcome == optestv1.Event_FAILED }

// Unsure reports whether nobody knows how the call ended: it may have taken
// effect.
func (s *Seen) Unsure() bool { return !s.OK() && !s.Failed() }

// Is reports whether the call is of the method.
func (s *Seen) Is(method string) bool { return s.Event.Method == method }

// Starts reports whether the method starts operations.
func (s *Seen) Starts() bool { return s.Method != nil && s.Method.Starts }

// Raw are the bytes of the response as they were on the wire, if they were
// seen and are in binary; nil otherwise.
func (s *Seen) Raw() []byte {
	if s.Event.Response == nil || s.Event.Response.Cut() || s.ResponseFidelity != optestv1.Event_FIDELITY_UNSPECIFIED || s.ResponseCodec != optestv1.Event_PROTO {
		return nil
	}
	return nonNil(s.Event.Response.Bytes())
}

// RawJSON are the bytes of the response as they were on the wire, if they were
// seen and are in JSON; nil otherwise.
func (s *Seen) RawJSON() []byte {
	if s.Event.Response == nil || s.Event.Response.Cut() || s.ResponseFidelity != optestv1.Event_FIDELITY_UNSPECIFIED || s.ResponseCodec != optestv1.Event_JSON {
		return nil
	}
	return nonNil(s.Event.Response.Bytes())
}

func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// When is the call as evidence names it, such as `read #12 (3.20s to 3.21s)`.
func (s *Seen) When() string {
	what := "call"
	switch {
	case s.Is(MethodGet):
		what = "read"
	case s.Is(MethodCancel):
		what = "Cancel"
	case s.Starts():
		what = string(s.Method.Desc.Name())
	case s.Method != nil:
		what = string(s.Method.Desc.Name())
	}
	return fmt.Sprintf("%s #%d (%s to %s)", what, s.Number, seconds(s.Called), seconds(s.Returned))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3fs", d.Seconds()) }
