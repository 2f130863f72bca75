package mockserver

import (
	"bytes"
	"context"
	"io"
	"log"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// fuzzed is a server in memory that the inputs of a fuzz target are sent to. What
// an input has left in the session without a name is gone before the next, so
// that an input that fails does so alone, too.
type fuzzed struct {
	server *Server // nil before the first input
	http1  *http.Client
	inputs int // of this server

	bystander *operation.Operation // of another session
	panics    panicLog
}

const (
	// inputsPerServer bounds what inputs can pile up: sessions that they have
	// named, calls that a fault holds back.
	inputsPerServer = 500
	// fuzzBody bounds requests, to have the bound in reach of a fuzzer.
	fuzzBody = 64 << 10
	// fuzzPatience bounds a call that has no reason to wait. It takes a
	// millisecond but for a machine under load.
	fuzzPatience = 20 * time.Second
	// elsewhere is the session that no input may reach.
	elsewhere = "elsewhere"
)

var fuzzedOptions = []Option{Seed(1), MaxBody(fuzzBody), Journal(64)}

// newFuzzed starts no server yet: the process that hands out the inputs needs
// none.
func newFuzzed(f *testing.F) *fuzzed {
	z := &fuzzed{}
	before := log.Writer()
	z.panics.next = before
	log.SetOutput(&z.panics)
	f.Cleanup(func() {
		z.close(f)
		log.SetOutput(before)
	})
	return z
}

// begin makes the server ready for an input.
func (z *fuzzed) begin(t *testing.T) {
	t.Helper()
	if z.inputs == inputsPerServer {
		z.close(t)
	}
	if z.server == nil {
		z.open(t)
	}
	z.inputs++
	z.server.Reset()
}

func (z *fuzzed) open(t *testing.T) {
	t.Helper()
	s, err := Start(fuzzedOptions...)
	if err != nil {
		t.Fatal(err)
	}
	z.server, z.inputs = s, 0
	z.http1 = z.client(1)
	ctx := metadata.AppendToOutgoingContext(t.Context(), HeaderSession, elsewhere)
	if z.bystander, err = copyFromDesktop(ctx, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "never-done"}); err != nil {
		t.Fatal(err)
	}
}

// client has connections of its own to the server.
func (z *fuzzed) client(version int) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(version == 1)
	protocols.SetUnencryptedHTTP2(version == 2)
	dial := z.server.Client().Transport.(*http.Transport).DialContext
	return &http.Client{Transport: &http.Transport{Protocols: protocols, DialContext: dial}}
}

// close ends the server, if there is one, and looks for what it has left. To
// leave that to TestMain would not do: go test waits a second for the end of a
// process that fuzzes.
func (z *fuzzed) close(tb testing.TB) {
	tb.Helper()
	if z.server == nil {
		return
	}
	z.http1.CloseIdleConnections()
	if err := z.server.Close(); err != nil {
		tb.Errorf("after %d inputs: %v", z.inputs, err)
	}
	if left := serverGoroutines(); left != "" {
		tb.Errorf("goroutines left of a server that is closed, after %d inputs:\n%s", z.inputs, left)
	}
	z.panics.check(tb)
	z.server, z.inputs = nil, 0
}

// settle looks at the server after an input: nothing has panicked, and it goes on
// to do its work for others.
func (z *fuzzed) settle(t *testing.T) {
	t.Helper()
	z.panics.check(t)
	ctx, cancel := context.WithTimeout(t.Context(), fuzzPatience)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, HeaderSession, elsewhere)
	if op, err := copyFromDesktop(ctx, z.server, &clouddesktop.CopyFromDesktopRequest{DesktopId: "instant"}); err != nil || !op.GetDone() {
		t.Fatalf("afterwards, a create in another session got %v, %v, want an operation that is done", op, err)
	}
	if op, err := getOperation(ctx, z.server, z.bystander.GetId()); err != nil || !proto.Equal(op, z.bystander) {
		t.Fatalf("afterwards, the operation of another session is %v, %v, want it untouched: %v", op, err, z.bystander)
	}
}

// post sends a body and reads the whole answer.
func (z *fuzzed) post(ctx context.Context, client *http.Client, path string, header http.Header, body []byte) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, z.server.URL()+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	req.Header = header
	// Otherwise net/http would ask for gzip and hide it.
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	return resp, answer, err
}

// serverGoroutines is leftover for a test that is under way.
func serverGoroutines() string {
	ours := regexp.MustCompile(`optest/mockserver|net/http\.\(\*conn\)`)
	tests := regexp.MustCompile(`mockserver\.(Fuzz|TestMain|serverGoroutines)`)
	deadline := time.Now().Add(5 * time.Second)
	for {
		buf := make([]byte, 1<<20)
		var left []string
		for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if ours.MatchString(stack) && !tests.MatchString(stack) {
				left = append(left, stack)
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return strings.Join(left, "\n\n")
		}
		runtime.Gosched()
	}
}

// panicLog is the log of net/http, which writes there the panics that it recovers
// from.
type panicLog struct {
	next io.Writer

	mu   sync.Mutex
	text []byte
}

func (l *panicLog) Write(p []byte) (int, error) {
	if !bytes.Contains(p, []byte("panic")) {
		return l.next.Write(p)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	return len(p), nil
}

func (l *panicLog) check(tb testing.TB) {
	tb.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.text) > 0 {
		tb.Errorf("the server has panicked:\n%s", l.text)
		l.text = nil
	}
}
