package mockserver

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"golang.org/x/net/http/httpguts"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// FuzzControl sends messages to every method of the control API, in a session of
// its own or in that without a name, and then has the session play what it was
// told to. The server answers with a code of the caller's making, in time; its
// control API goes on to work in that session, and everything in others.
func FuzzControl(f *testing.F) {
	z := newFuzzed(f)
	for i, seed := range controlSeeds(f) {
		session := []string{"", "a", "session 2"}[i%3]
		f.Add(seed.method, seed.dialect, session, seed.message)
	}
	f.Add(uint8(0), uint8(0), strings.Repeat("x", maxSessionName+1), []byte("{}"))
	f.Fuzz(func(t *testing.T, method, dialect uint8, session string, message []byte) {
		if session == elsewhere || !httpguts.ValidHeaderFieldValue(session) {
			return
		}
		z.begin(t)
		c := controlCall{
			method:  controlService.Methods().Get(int(method) % controlService.Methods().Len()),
			dialect: dialects[int(dialect)%len(dialects)],
			session: session,
			message: message,
		}
		c.send(t, z)
		z.settle(t)
	})
}

type controlCall struct {
	method  protoreflect.MethodDescriptor
	dialect dialect
	session string
	message []byte
}

// controlCodes are those that a call of the control API may be answered with: the
// caller is to blame, or asks for what the server has not got.
var controlCodes = map[codes.Code]bool{
	codes.OK: true, codes.InvalidArgument: true, codes.NotFound: true, codes.FailedPrecondition: true,
	codes.ResourceExhausted: true, codes.Unimplemented: true,
}

// shortWait is how long a call that waits, or that a fault may hold back, is
// waited for.
const shortWait = 20 * time.Millisecond

// waits reports whether the method may wait for what happens next.
func (c controlCall) waits() bool {
	return c.method.IsStreamingServer() || c.method.Input().Fields().ByName("wait") != nil
}

func (c controlCall) send(t *testing.T, z *fuzzed) {
	t.Helper()
	known := len(c.session) <= maxSessionName
	c.control(t, z, "Reset", known)
	ctx, cancel := context.WithTimeout(t.Context(), fuzzPatience)
	defer cancel()
	begun := c.play(ctx, z, z.server.Client(), dialects[0], bodyMethods[0], &clouddesktop.CopyFromDesktopRequest{DesktopId: "slow-success"}, &operation.Operation{})
	if (begun == nil) != known {
		t.Fatalf("a create in the session %q got %v, want it to work: %v", c.session, begun, known)
	}
	got, whole := c.call(t, z)
	switch {
	case got.unsupported || !whole:
	case !controlCodes[got.code]:
		t.Fatalf("%s of %q got %v %q", c.method.Name(), c.message, got.code, got.message)
	case got.code == codes.OK && !known:
		t.Fatalf("%s in a session with a name of %d bytes got OK", c.method.Name(), len(c.session))
	case !c.method.IsStreamingServer() && (got.code == codes.OK) != (len(got.messages) == 1):
		t.Fatalf("%s answered %d messages with %v", c.method.Name(), len(got.messages), got.code)
	}
	for _, m := range got.messages {
		if err := c.dialect.decode(m, newOf(t, c.method.Output())); err != nil {
			t.Fatalf("%s answered %q: %v", c.method.Name(), m, err)
		}
	}
	if whole && got.code == codes.OK && !got.unsupported {
		c.act(t, z)
	}
	c.control(t, z, "ListOperations", known)
	c.control(t, z, "ListCalls", known)
}

// call makes the call that is fuzzed. Whole is false where it has waited too long
// for what it is allowed to wait for, and what it got until then is all.
func (c controlCall) call(t *testing.T, z *fuzzed) (got outcome, whole bool) {
	t.Helper()
	patience := fuzzPatience
	if c.waits() {
		patience = shortWait
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	message := c.message
	if c.dialect.framed() {
		message = frameOf(0, message)
	}
	resp, answer, err := z.post(ctx, z.server.Client(), procedure(c.method), c.header(c.dialect.contentType), message)
	if c.waits() && ctx.Err() != nil {
		if resp != nil && c.dialect.framed() {
			got.messages = soFar(answer)
		}
		return got, false
	}
	if err == nil {
		got, err = c.dialect.read(resp, answer)
	}
	if err != nil {
		t.Fatalf("%s of %q in %q: %v", c.method.Name(), c.message, c.dialect.contentType, err)
	}
	if got.unsupported == c.dialect.fits(c.method) && got.code != codes.Unimplemented {
		t.Fatalf("%s is unsupported in %q: %v", c.method.Name(), c.dialect.contentType, got.unsupported)
	}
	return got, true
}

func (c controlCall) header(contentType string) http.Header {
	header := http.Header{}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	if c.session != "" {
		header.Set(HeaderSession, c.session)
	}
	return header
}

// control makes another call of the control API in the session.
func (c controlCall) control(t *testing.T, z *fuzzed, method string, works bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), fuzzPatience)
	defer cancel()
	resp, answer, err := z.post(ctx, z.server.Client(), "/"+string(controlService.FullName())+"/"+method, c.header("application/json"), []byte("{}"))
	if err != nil || (resp.StatusCode == http.StatusOK) != works {
		t.Fatalf("%s in the session %q got %q, %v, want it to work: %v", method, c.session, answer, err, works)
	}
}

// act has the session play: on a connection of its own, since that may not
// survive, and with little patience. What is answered is up to the scenario.
func (c controlCall) act(t *testing.T, z *fuzzed) {
	t.Helper()
	client := z.client(2)
	defer client.CloseIdleConnections()
	play := func(as string, method int, request, answer proto.Message) {
		ctx, cancel := context.WithTimeout(t.Context(), shortWait)
		defer cancel()
		_ = c.play(ctx, z, client, dialects[dialectOf(t, as)], bodyMethods[method], request, answer)
	}
	op := &operation.Operation{}
	play("application/grpc", 0, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d", Name: "n"}, op)
	play("application/json", 0, &clouddesktop.CopyFromDesktopRequest{DesktopId: "s"}, op)
	play("application/proto", 1, &clouddesktop.ListDesktopImagesRequest{FolderId: "f"}, &clouddesktop.ListDesktopImagesResponse{})
	play("application/grpc-web", 2, &operation.GetOperationRequest{OperationId: op.GetId()}, op)
	play("application/grpc", 3, &operation.CancelOperationRequest{OperationId: op.GetId()}, op)
}

// play calls a method in the session.
func (c controlCall) play(ctx context.Context, z *fuzzed, client *http.Client, d dialect, method protoreflect.MethodDescriptor, request, answer proto.Message) error {
	raw, err := d.encode(request)
	if err != nil {
		return err
	}
	if d.framed() {
		raw = frameOf(0, raw)
	}
	resp, body, err := z.post(ctx, client, procedure(method), c.header(d.contentType), raw)
	if err != nil {
		return err
	}
	got, err := d.read(resp, body)
	if err == nil && (got.code != codes.OK || len(got.messages) != 1) {
		err = fmt.Errorf("%v %s", got.code, got.message)
	}
	if err != nil {
		return err
	}
	return d.decode(got.messages[0], answer)
}
