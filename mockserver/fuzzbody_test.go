package mockserver

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/mockserver/internal/constraint"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// bodyMethods are those that FuzzBody sends bodies to.
var bodyMethods = []protoreflect.MethodDescriptor{
	methodNamed(&clouddesktop.CopyFromDesktopRequest{}, "DesktopImageService", "CopyFromDesktop"),
	methodNamed(&clouddesktop.CopyFromDesktopRequest{}, "DesktopImageService", "List"),
	methodNamed(&operation.GetOperationRequest{}, "OperationService", "Get"),
	methodNamed(&operation.GetOperationRequest{}, "OperationService", "Cancel"),
}

// methodNamed is a method of a service that is in the same file as a message.
func methodNamed(beside proto.Message, service, name protoreflect.Name) protoreflect.MethodDescriptor {
	return beside.ProtoReflect().Descriptor().ParentFile().Services().ByName(service).Methods().ByName(name)
}

// bodyEncodings are what a request may say of its compression.
var bodyEncodings = []string{"", "gzip", "identity", "br"}

// asItIs has FuzzBody send a body as it is; other values are the flags of a
// frame around it.
const asItIs = 0xff

// FuzzBody sends bodies to four methods in every dialect, over HTTP/1 and HTTP/2.
// The server answers so that a client of the protocol can read it, does what the
// bytes say or nothing, and goes on.
func FuzzBody(f *testing.F) {
	z := newFuzzed(f)
	for _, seed := range bodySeeds(f) {
		f.Add(seed.method, seed.dialect, seed.encoding, seed.flags, seed.http1, seed.body)
	}
	f.Fuzz(func(t *testing.T, method, dialect, encoding, flags uint8, http1 bool, body []byte) {
		z.begin(t)
		c := bodyCall{
			method:   bodyMethods[int(method)%len(bodyMethods)],
			dialect:  dialects[int(dialect)%len(dialects)],
			encoding: bodyEncodings[int(encoding)%len(bodyEncodings)],
			body:     body,
		}
		if flags != asItIs {
			c.body = frameOf(flags, body)
		}
		want := c.decoded(t)
		if scenario := desktopOf(want.request); scenario != "" {
			if _, ok := fixtures.Get(scenario); ok {
				return // it may ask for anything to go wrong
			}
		}
		z.server.Play(Running(time.Hour).Succeed())
		first, err := copyFromDesktop(t.Context(), z.server, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
		if err != nil {
			t.Fatal(err)
		}
		got := c.send(t, z, http1)
		if !got.unsupported {
			want.holds(t, z.server, first, got)
		}
		z.settle(t)
	})
}

type bodyCall struct {
	method   protoreflect.MethodDescriptor
	dialect  dialect
	encoding string
	body     []byte
}

func (c bodyCall) send(t *testing.T, z *fuzzed, http1 bool) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), fuzzPatience)
	defer cancel()
	header := http.Header{}
	if c.dialect.contentType != "" {
		header.Set("Content-Type", c.dialect.contentType)
	}
	if c.encoding != "" {
		header.Set(c.dialect.encodingHeader(), c.encoding)
	}
	client := z.server.Client()
	if http1 {
		client = z.http1
	}
	resp, answer, err := z.post(ctx, client, procedure(c.method), header, c.body)
	if err != nil {
		t.Fatalf("%s in %q: %v", c.method.Name(), c.dialect.contentType, err)
	}
	got, err := c.dialect.read(resp, answer)
	switch {
	case err != nil:
		t.Fatalf("%s in %q answered HTTP %d %v %q: %v", c.method.Name(), c.dialect.contentType, resp.StatusCode, resp.Header, answer, err)
	case got.unsupported == c.dialect.fits(c.method):
		t.Fatalf("%s is unsupported in %q: %v", c.method.Name(), c.dialect.contentType, got.unsupported)
	case got.unsupported:
		return got
	case got.code == codes.OK && len(got.messages) != 1 || got.code != codes.OK && len(got.messages) != 0:
		t.Fatalf("%s in %q: %d messages with %v", c.method.Name(), c.dialect.contentType, len(got.messages), got.code)
	}
	if got.code == codes.OK {
		if err := c.dialect.decode(got.messages[0], newOf(t, c.method.Output())); err != nil {
			t.Fatalf("%s in %q answered %q: %v", c.method.Name(), c.dialect.contentType, got.messages[0], err)
		}
	}
	return got
}

// bodyWant is what the bytes of a request ask for.
type bodyWant struct {
	call    bodyCall
	request proto.Message // nil where the bytes hold none
	// undecided: they hold one, and more that a protocol may overlook.
	undecided bool
}

// decoded reads the body as the protocol's specification has it.
func (c bodyCall) decoded(t *testing.T) bodyWant {
	t.Helper()
	w := bodyWant{call: c}
	if !c.dialect.fits(c.method) || c.encoding == "br" {
		return w
	}
	raw, compressed := c.body, c.encoding == "gzip" && !c.dialect.framed() && len(c.body) > 0
	if c.dialect.framed() {
		frames, err := divided(c.body)
		if err != nil || len(frames) == 0 || frames[0].flags&^frameGzip != 0 || frames[0].flags == frameGzip && c.encoding != "gzip" {
			return w
		}
		w.undecided = len(frames) == 2 && frames[1].flags&frameWebEnd != 0
		if len(frames) > 1 && !w.undecided {
			return w
		}
		raw, compressed = frames[0].data, frames[0].flags == frameGzip && len(frames[0].data) > 0
	}
	if len(raw) > fuzzBody {
		return w
	}
	if compressed {
		var err error
		if raw, err = gunzip(raw); err != nil || len(raw) > fuzzBody {
			return w
		}
	}
	if m := newOf(t, c.method.Input()); c.dialect.decode(raw, m) == nil {
		w.request = m
	}
	return w
}

// broken are the codes of a request that can't be read: INTERNAL is for frames,
// and UNIMPLEMENTED for too many or too few of them, and for compression.
var broken = map[codes.Code]bool{codes.InvalidArgument: true, codes.Internal: true, codes.Unimplemented: true, codes.ResourceExhausted: true}

// holds compares what the server has answered, kept and recorded with the
// request. First is the operation that was there before.
func (w bodyWant) holds(t *testing.T, s *Server, first *operation.Operation, got outcome) {
	t.Helper()
	calls := s.Calls()[1:]
	switch {
	case len(calls) > 1 || len(calls) == 0 && w.call.encoding != "br":
		t.Fatalf("the journal has %d calls more, want one", len(calls))
	case len(calls) == 1 && calls[0].Code != got.code:
		t.Fatalf("the journal says %v, the answer %v", calls[0].Code, got.code)
	}
	if w.request == nil || w.undecided {
		if got.code == codes.OK && !w.undecided {
			t.Fatalf("%s accepts %q", w.call.method.Name(), w.call.body)
		}
		if got.code != codes.OK {
			if !broken[got.code] && !w.undecided {
				t.Fatalf("%s of %q got %v %q", w.call.method.Name(), w.call.body, got.code, got.message)
			}
			w.stored(t, s, 1)
		}
		return
	}
	if !proto.Equal(calls[0].Request, w.request) {
		t.Fatalf("the journal has the request %v, want %v", calls[0].Request, w.request)
	}
	if want := w.codes(first); !want[got.code] {
		t.Fatalf("%s %v got %v %q, want one of %v", w.call.method.Name(), w.request, got.code, got.message, want)
	}
	if got.code != codes.OK {
		w.stored(t, s, 1)
		return
	}
	switch w.call.method.Name() {
	case "CopyFromDesktop":
		w.stored(t, s, 2)
	case "Get", "Cancel":
		op := &operation.Operation{}
		if err := w.call.dialect.decode(got.messages[0], op); err != nil || op.GetId() != first.GetId() || op.GetDone() != (w.call.method.Name() == "Cancel") {
			t.Fatalf("%s answered %v, %v", w.call.method.Name(), op, err)
		}
		w.stored(t, s, 1)
	}
}

// codes are those that a request may be answered with that can be read.
func (w bodyWant) codes(first *operation.Operation) map[codes.Code]bool {
	if len(constraint.Check(w.request)) > 0 {
		return map[codes.Code]bool{codes.InvalidArgument: true}
	}
	id := ""
	switch req := w.request.(type) {
	case *clouddesktop.ListDesktopImagesRequest: // a filter, a page token
		return map[codes.Code]bool{codes.OK: true, codes.InvalidArgument: true}
	case *operation.GetOperationRequest:
		id = req.GetOperationId()
	case *operation.CancelOperationRequest:
		id = req.GetOperationId()
	default:
		return map[codes.Code]bool{codes.OK: true}
	}
	if id == first.GetId() {
		return map[codes.Code]bool{codes.OK: true}
	}
	return map[codes.Code]bool{codes.NotFound: true}
}

// stored counts the operations. The second is of the request.
func (w bodyWant) stored(t *testing.T, s *Server, n int) {
	t.Helper()
	list, err := controlOf(s).ListOperations(t.Context(), &optestv1.ListOperationsRequest{})
	if err != nil || len(list.GetOperations()) != n {
		t.Fatalf("after %s of %q there are the operations %v, %v, want %d", w.call.method.Name(), w.call.body, list.GetOperations(), err, n)
	}
	if n == 2 {
		kept, err := list.GetOperations()[1].GetRequest().UnmarshalNew()
		if err != nil || !proto.Equal(kept, w.request) {
			t.Fatalf("the server keeps %v, %v, want %v", kept, err, w.request)
		}
	}
}

func desktopOf(m proto.Message) string {
	req, _ := m.(*clouddesktop.CopyFromDesktopRequest)
	return req.GetDesktopId()
}
