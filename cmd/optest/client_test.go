//go:build unix

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// request is an HTTP request as scripts write it.
type request struct {
	method, url, body string
	header            http.Header
	roots             *x509.CertPool
}

// parseRequest reads [-H NAME:VALUE]... [-root FILE] METHOD URL [BODY].
func parseRequest(ts *testscript.TestScript, args []string) request {
	r := request{header: http.Header{"Content-Type": {"application/json"}}}
	for len(args) > 1 && strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "-H":
			name, value, _ := strings.Cut(args[1], ":")
			r.header.Set(name, strings.TrimSpace(value))
		case "-root":
			r.roots = x509.NewCertPool()
			if !r.roots.AppendCertsFromPEM([]byte(ts.ReadFile(args[1]))) {
				ts.Fatalf("no certificates in %s", args[1])
			}
		default:
			ts.Fatalf("unknown option %s", args[0])
		}
		args = args[2:]
	}
	if len(args) < 2 || len(args) > 3 {
		ts.Fatalf("want [-H NAME:VALUE]... [-root FILE] METHOD URL [BODY]")
	}
	r.method, r.url = args[0], args[1]
	if len(args) == 3 {
		r.body = args[2]
	}
	return r
}

// do returns the status and the body.
func (r request) do(ctx context.Context) (int, []byte, error) {
	return r.send(ctx, strings.NewReader(r.body))
}

// send is do with another reader for the body.
func (r request) send(ctx context.Context, body io.Reader) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, body)
	if err != nil {
		return 0, nil, err
	}
	req.Header = r.header
	req.ContentLength = int64(len(r.body))
	transport := &http.Transport{
		DisableKeepAlives:     true,
		TLSClientConfig:       &tls.Config{RootCAs: r.roots},
		ExpectContinueTimeout: patience,
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// call STATUS REQUEST: makes a call and writes the body to stdout. ! call means
// that no answer may come.
func call(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: call STATUS REQUEST")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	status, body, err := parseRequest(ts, args[1:]).do(ctx)
	if neg {
		if err == nil {
			ts.Fatalf("status %d, want no answer", status)
		}
		fmt.Fprintln(ts.Stderr(), err)
		return
	}
	ts.Check(err)
	_, err = ts.Stdout().Write(body)
	ts.Check(err)
	if want := args[0]; strconv.Itoa(status) != want {
		ts.Fatalf("status %d, want %s: %s", status, want, body)
	}
}

type begunKey struct{}

type answer struct {
	status int
	err    error
}

func begun(ts *testscript.TestScript) map[string]begunCall {
	return ts.Value(begunKey{}).(map[string]begunCall)
}

// begun is a call that the server is at work on.
type begunCall struct {
	release chan struct{} // lets the body go
	answer  chan answer
}

// heldBack is a body that is announced and comes when it is let go.
type heldBack struct {
	release <-chan struct{}
	body    io.Reader
}

func (h heldBack) Read(p []byte) (int, error) {
	<-h.release
	return h.body.Read(p)
}

// begin NAME REQUEST: begins a call and returns when the server is at work on
// it: it asks for the body, which is held back until `answered`.
func begin(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: begin NAME REQUEST")
	}
	r := parseRequest(ts, args[1:])
	r.header.Set("Expect", "100-continue")
	working := make(chan struct{})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	ts.Defer(cancel)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got100Continue: func() { close(working) }})
	b := begunCall{release: make(chan struct{}), answer: make(chan answer, 1)}
	go func() {
		status, _, err := r.send(ctx, heldBack{b.release, strings.NewReader(r.body)})
		b.answer <- answer{status, err}
	}()
	begun(ts)[args[0]] = b
	select {
	case <-working:
	case a := <-b.answer:
		ts.Fatalf("answered at once: %+v", a)
	case <-ctx.Done():
		ts.Fatalf("the server does not ask for the body")
	}
}

// answered NAME STATUS: sends the body of a call that was begun and waits for the
// answer. ! answered NAME means that none may come.
func answered(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 || !neg && len(args) != 2 {
		ts.Fatalf("usage: answered NAME STATUS")
	}
	b := begun(ts)[args[0]]
	close(b.release)
	a := <-b.answer
	switch {
	case neg && a.err == nil:
		ts.Fatalf("status %d, want no answer", a.status)
	case !neg && (a.err != nil || strconv.Itoa(a.status) != args[1]):
		ts.Fatalf("status %d, error %v, want %s", a.status, a.err, args[1])
	}
}

// objects FILE COUNT NAME...: wants so many lines, each a JSON object with these
// members.
func objects(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: objects FILE COUNT NAME...")
	}
	lines := bytes.Split(bytes.TrimSuffix([]byte(ts.ReadFile(args[0])), []byte("\n")), []byte("\n"))
	if strconv.Itoa(len(lines)) != args[1] {
		ts.Fatalf("%d lines, want %s: %s", len(lines), args[1], bytes.Join(lines, []byte("\n")))
	}
	for _, line := range lines {
		object := map[string]json.RawMessage{}
		if err := json.Unmarshal(line, &object); err != nil {
			ts.Fatalf("%s: %v", line, err)
		}
		for _, name := range args[2:] {
			if object[name] == nil {
				ts.Fatalf("%s: no %q", line, name)
			}
		}
	}
}

// certificate CERT KEY: writes a certificate of its own root for 127.0.0.1.
func certificate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: certificate CERT KEY")
	}
	cert, key, err := newCertificate()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), cert, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), key, 0o600))
}
