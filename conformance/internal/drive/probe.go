package drive

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Found is what a server was found to be.
type Found struct {
	// Served are the protocols that it speaks.
	Served []Protocol
	// Missing are those that it does not, each with what it says instead.
	Missing []Missing
	// Unfit says why the server can't be judged, empty if it can.
	Unfit string
}

// Missing is a protocol that a server does not speak.
type Missing struct {
	Protocol Protocol
	Says     string
}

// probeTime is how long a server may take to answer when it is asked for the first
// time.
const probeTime = 10 * time.Second

// finding is what an answer shows.
type finding int

const (
	answers      finding = iota // as a server of the API does, be it with an error
	broken                      // something that is no answer
	without                     // that there is no such method
	stranger                    // that it does not know the caller
	page                        // a web page
	otherwise                   // that it does not speak the protocol
	silence                     // nothing in time
	unreachable                 // no connection
	disconnected                // a connection that ends
)

// Probe finds out over which protocols the server can be spoken to. It reads and
// changes nothing.
func (w *World) Probe(ctx context.Context) Found {
	w.tell(Progress{Doing: "probe"})
	connected, older := w.knock(ctx)
	all := make([][]probed, len(w.plan.Protocols))
	var wg sync.WaitGroup
	for i, p := range w.plan.Protocols {
		if !older && !p.http2() {
			all[i] = []probed{{unreachable, ""}}
			continue
		}
		wg.Go(func() { all[i] = w.probe(ctx, p) })
	}
	wg.Wait()
	if ctx.Err() != nil {
		w.found = Found{Unfit: "the run was ended before the server was known: " + context.Cause(ctx).Error()}
		return w.found
	}
	results := map[Protocol][]probed{}
	for i, p := range w.plan.Protocols {
		results[p] = all[i]
	}
	w.found = judge(w.plan, results, connected)
	return w.found
}

// knock finds out whether there is anybody at all, and whether it can be HTTP/1.1
// that it speaks: servers of gRPC in plaintext answer over HTTP/2 even if they are
// asked otherwise. It takes a connection of its own, because net/http writes to the
// log what it does not understand.
func (w *World) knock(ctx context.Context) (connected, older bool) {
	e := w.plan.Endpoint
	const enough = 2 * time.Second
	ctx, cancel := context.WithTimeout(ctx, enough)
	defer cancel()
	var conn net.Conn
	var err error
	if e.Dial != nil {
		conn, err = e.Dial(ctx)
	} else {
		host := e.URL.Host
		if e.URL.Port() == "" {
			host = net.JoinHostPort(e.URL.Hostname(), e.URL.Scheme) // its usual port
		}
		conn, err = new(net.Dialer).DialContext(ctx, "tcp", host)
	}
	if err != nil {
		return false, true // the probe will say why
	}
	if e.URL.Scheme != "http" {
		_ = conn.Close() // it has served: TLS settles the rest
		return true, true
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // ends what waits for it
	defer func() {
		if stop() {
			_ = conn.Close() // it has served
		}
	}()
	first := make([]byte, len("HTTP/1"))
	// A server that speaks at once may not read until it is heard.
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = fmt.Fprintf(conn, "OPTIONS * HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", e.URL.Host) // the answer tells
	}()
	n, err := io.ReadFull(conn, first)
	_ = conn.Close() // now the writer ends too
	<-written
	return true, err != nil && n == 0 || string(first[:n]) == "HTTP/1"[:n]
}

// probed is a call of a probe.
type probed struct {
	finding
	says string
}

func (w *World) probe(ctx context.Context, p Protocol) []probed {
	folder := w.plan.Folder
	if folder == "" {
		folder = "optest-probe"
	}
	var results []probed
	for _, call := range []Call{
		{Method: methodGet, Message: &operation.GetOperationRequest{OperationId: "optest-probe"}},
		{Method: methodList, Message: &clouddesktop.ListDesktopImagesRequest{FolderId: folder}},
	} {
		bounded, cancel := context.WithTimeout(ctx, probeTime)
		e, err := w.conn(0, p).Do(bounded, call)
		cancel()
		if err != nil {
			return append(results, probed{broken, plain(err)})
		}
		r := classify(e)
		results = append(results, r)
		if r.finding == silence || r.finding == unreachable {
			break // it would be so again
		}
	}
	return results
}

func classify(e *trace.Event) probed {
	// Without a cause, it has ended with what is no answer.
	if e.Outcome == optestv1.Event_INDETERMINATE && e.Failure.Cause != optestv1.Event_Failure_CAUSE_UNSPECIFIED {
		switch e.Failure.Cause {
		case optestv1.Event_Failure_TIMEOUT:
			return probed{silence, fmt.Sprintf("no answer within %v", probeTime)}
		case optestv1.Event_Failure_LOCAL_ERROR:
			return probed{unreachable, e.Failure.Message}
		}
		return probed{disconnected, e.Failure.Message}
	}
	contentType, _ := e.ResponseHeader.Get("content-type")
	status := fmt.Sprintf("HTTP %d with content type %q", e.HTTPStatus, contentType)
	message := status
	if e.Failure != nil && e.Failure.Message != "" {
		message = e.Failure.Message
	}
	known := e.ResponseCodec != optestv1.Event_FOREIGN && !nameless(e)
	switch {
	case e.Outcome == optestv1.Event_OK && known:
		return probed{answers, status}
	case e.HTTPStatus == http.StatusUnauthorized || e.Code() == code.Code_UNAUTHENTICATED:
		return probed{stranger, message}
	case !known && slices.Contains([]uint32{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType, http.StatusNotImplemented, http.StatusHTTPVersionNotSupported}, e.HTTPStatus):
		return probed{otherwise, status}
	case strings.HasPrefix(contentType, "text/html"):
		return probed{page, status}
	case e.Code() == code.Code_UNIMPLEMENTED:
		return probed{without, "UNIMPLEMENTED: " + message}
	case e.Outcome == optestv1.Event_FAILED && known:
		return probed{answers, e.Code().String()}
	}
	return probed{broken, status}
}

// nameless reports whether an error is JSON that has no code, as those of other
// APIs do.
func nameless(e *trace.Event) bool {
	if e.Outcome != optestv1.Event_FAILED || e.Response == nil || e.Protocol != optestv1.Event_REST && e.Protocol != optestv1.Event_CONNECT {
		return false
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(e.Response.Bytes(), &members); err != nil {
		return true
	}
	return members["code"] == nil
}

// judge decides over which protocols a server is to be spoken to. One that
// answers over some and breaks over others is spoken to over all of them: that is
// what it is judged by. One that plainly has not got a protocol is not.
func judge(plan Plan, results map[Protocol][]probed, connected bool) Found {
	var found Found
	good := 0
	for _, p := range plan.Protocols {
		list := results[p]
		switch {
		case slices.ContainsFunc(list, func(r probed) bool { return r.finding == answers }):
			good++
		case all(list, otherwise, unreachable, disconnected, without):
			found.Missing = append(found.Missing, Missing{p, saying(p, list[0])})
			continue
		}
		found.Served = append(found.Served, p)
	}
	if good > 0 {
		return found
	}
	found.Served = nil
	found.Unfit = unfit(plan, results, connected)
	return found
}

// saying is what a server says that does not speak a protocol.
func saying(p Protocol, r probed) string {
	if r.finding != unreachable && r.finding != disconnected {
		return r.says
	}
	if p.http2() {
		return "no answer over HTTP/2"
	}
	return "no answer over HTTP/1.1"
}

func all(list []probed, kinds ...finding) bool {
	return !slices.ContainsFunc(list, func(r probed) bool { return !slices.Contains(kinds, r.finding) })
}

// unfit says why a server can't be judged that does not answer over any protocol.
func unfit(plan Plan, results map[Protocol][]probed, connected bool) string {
	says := map[finding]string{}
	for _, p := range plan.Protocols {
		for _, r := range results[p] {
			if _, ok := says[r.finding]; !ok {
				says[r.finding] = p.String() + ": " + r.says
			}
		}
	}
	switch {
	case len(plan.Protocols) == 0:
		return "no protocol was given to speak"
	case says[stranger] != "" && plan.Endpoint.Token == "":
		return "the server wants a token, and none was given (" + says[stranger] + ")"
	case says[stranger] != "":
		return "the server does not accept the token (" + says[stranger] + ")"
	case says[page] != "":
		return "a web site or a proxy answers with pages instead of the API (" + says[page] + ")"
	case says[without] != "":
		return "the server is of another service: it has neither DesktopImageService nor OperationService (" + says[without] + ")"
	case says[otherwise] != "":
		return "the server is of something else: it speaks none of the protocols (" + says[otherwise] + ")"
	case says[broken] != "":
		return "what the server answers is no answer of the API (" + says[broken] + ")"
	case says[silence] != "":
		return "the server hangs (" + says[silence] + ")"
	case says[disconnected] != "":
		return "the server takes connections, and none of them can be used (" + says[disconnected] + ")"
	case connected:
		return "the server takes connections, and none of them can be used (" + says[unreachable] + ")"
	}
	return "there is no server (" + says[unreachable] + ")"
}
