package mockserver_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/mockserver"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// watcher is a client of a server that plays one fixture, in a bubble: grpc-go
// with a tap on its connections, and net/http for REST. It asks the server
// nothing but what a client asks.
type watcher struct {
	t       *testing.T
	srv     *mockserver.Server
	fixture string
	taps    *taps
	conn    *grpc.ClientConn
	began   time.Time // when the latest operation was created
	id      string    // of the latest operation, "" until an answer told it
	image   string
}

// newWatcher plays the fixture by its name, or as the server's default.
func newWatcher(t *testing.T, fixture string, byDefault bool) *watcher {
	t.Helper()
	if byDefault {
		return watching(t, fixtures.Must(fixture))
	}
	w := &watcher{t: t, srv: mockserver.New(t), fixture: fixture, began: time.Now()}
	w.connect()
	return w
}

// watching plays the scenario as the server's default.
func watching(t *testing.T, s *optestv1.Scenario) *watcher {
	t.Helper()
	w := &watcher{t: t, srv: mockserver.New(t), fixture: "desktop", began: time.Now()}
	w.srv.Play(s)
	w.connect()
	return w
}

// connect opens connections of its own: what another reader sees.
func (w *watcher) connect() {
	w.t.Helper()
	dial := w.srv.Client().Transport.(*http.Transport).DialContext
	w.taps = &taps{dial: func(ctx context.Context) (net.Conn, error) { return dial(ctx, "tcp", w.srv.Addr()) }}
	conn, err := grpc.NewClient("passthrough:///"+w.srv.Addr(),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(w.taps.open))
	if err != nil {
		w.t.Fatal(err)
	}
	w.conn = conn
	w.t.Cleanup(func() { _ = conn.Close() })
}

// sighting is what one call looks like to its client.
type sighting struct {
	w       *watcher
	err     error
	took    time.Duration
	streams int      // attempts: the client's library may make several
	frames  []frame  // what the server sent meanwhile
	ends    []string // how it ended connections meanwhile
	// reconnected: the call opened another connection than its client's first.
	reconnected bool

	rest *restAnswer // of a call over REST, and nothing of the above
}

type restAnswer struct {
	status      int
	contentType string
	body        []byte
}

// patience bounds each call: more than any delay of the catalogue.
const patience = time.Minute

// call makes a unary call over gRPC.
func (w *watcher) call(method string, request, answer proto.Message, header ...string) sighting {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	return w.callIn(ctx, method, request, answer, header...)
}

func (w *watcher) callIn(ctx context.Context, method string, request, answer proto.Message, header ...string) sighting {
	w.t.Helper()
	s := sighting{w: w}
	sent, got, ends, opened := len(w.taps.sent()), len(w.taps.got()), len(w.taps.ends()), w.taps.opened()
	began := time.Now()
	s.err = w.conn.Invoke(metadata.AppendToOutgoingContext(ctx, header...), "/"+method, request, answer)
	s.took = time.Since(began)
	synctest.Wait() // all that is on its way has come
	s.reconnected = opened > 0 && w.taps.opened() > opened
	s.frames, s.ends = w.taps.got()[got:], w.taps.ends()[ends:]
	for _, f := range w.taps.sent()[sent:] {
		if f.opens {
			s.streams++
		}
	}
	return s
}

const (
	copyMethod   = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/CopyFromDesktop"
	imageMethod  = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/Get"
	listMethod   = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/List"
	getMethod    = "yandex.cloud.operation.OperationService/Get"
	cancelMethod = "yandex.cloud.operation.OperationService/Cancel"
)

const folder = "folder"

// create starts an operation that lives by the fixture.
func (w *watcher) create(header ...string) sighting {
	w.t.Helper()
	return w.createNamed(w.fixture, header...)
}

func (w *watcher) createNamed(desktop string, header ...string) sighting {
	w.t.Helper()
	began := time.Now()
	op := &operation.Operation{}
	s := w.call(copyMethod, &clouddesktop.CopyFromDesktopRequest{FolderId: folder, Name: "image", DesktopId: desktop}, op, header...)
	if s.err == nil {
		w.began, w.id = began, op.GetId()
		var m clouddesktop.CopyFromDesktopMetadata
		if proto.Unmarshal(op.GetMetadata().GetValue(), &m) == nil {
			w.image = m.GetImageId()
		}
	}
	return s
}

// started creates an operation for a look at what comes later.
func (w *watcher) started() {
	w.t.Helper()
	if s := w.create(); s.err != nil {
		w.t.Fatal(s.err)
	}
}

// until waits for an age of the operation, in seconds.
func (w *watcher) until(age int) {
	time.Sleep(time.Until(w.began.Add(time.Duration(age) * time.Second)))
}

func (w *watcher) poll() sighting {
	w.t.Helper()
	return w.call(getMethod, &operation.GetOperationRequest{OperationId: w.id}, &operation.Operation{})
}

func (w *watcher) cancel() sighting {
	w.t.Helper()
	return w.call(cancelMethod, &operation.CancelOperationRequest{OperationId: w.id}, &operation.Operation{})
}

// images are how many there are in the folder.
func (w *watcher) images() int {
	w.t.Helper()
	list := &clouddesktop.ListDesktopImagesResponse{}
	if s := w.call(listMethod, &clouddesktop.ListDesktopImagesRequest{FolderId: folder}, list); s.err != nil {
		w.t.Fatal(s.err)
	}
	return len(list.GetDesktopImages())
}

// rest makes a call over REST.
func (w *watcher) rest(verb, path, body string) sighting {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, verb, w.srv.URL()+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.srv.Client().Do(req)
	if err != nil {
		return sighting{w: w, err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	return sighting{w: w, err: err, rest: &restAnswer{resp.StatusCode, resp.Header.Get("Content-Type"), answer}}
}

func (w *watcher) restCreate() sighting {
	w.t.Helper()
	return w.rest(http.MethodPost, "/cloud-desktop/v1/images:copyFromDesktop", `{"desktopId": "`+w.fixture+`"}`)
}

func (w *watcher) restPoll() sighting {
	w.t.Helper()
	return w.rest(http.MethodGet, "/operations/"+w.id, "")
}

// raw is the message as it was sent, whatever the client's library made of it.
func (s sighting) raw() []byte {
	var body []byte
	for _, f := range s.frames {
		body = append(body, f.data...)
	}
	const prefix = 5
	if len(body) < prefix {
		return nil
	}
	return body[prefix:min(len(body), prefix+int(binary.BigEndian.Uint32(body[1:prefix])))]
}
