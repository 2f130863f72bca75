package proxy

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// forward passes a request on, and its answer back.
func (p *Proxy) forward(w http.ResponseWriter, r *http.Request) {
	p.underWay.begin()
	defer p.underWay.end()
	l, ok := r.Context().Value(linkKey{}).(*link)
	if !ok {
		panic(http.ErrAbortHandler) // it is on every connection of the server
	}
	if name, refused := upgrade(r); refused {
		refuse(w, http.StatusNotImplemented, fmt.Sprintf("optest: upgrade to %q, want requests and answers only: the proxy does not pass on what comes after an upgrade", name))
		return
	}
	transport, err := l.transport(r.ProtoMajor)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if r.ProtoMajor == 1 {
		// The answer may come before the whole body is there. What fails is not net/http's.
		_ = http.NewResponseController(w).EnableFullDuplex()
	}
	before := &informer{to: w}
	resp, err := transport.RoundTrip(p.outgoing(r, before))
	before.stop()
	switch unreached := (errDial{}); {
	case err != nil && errors.As(err, &unreached) && r.Context().Err() == nil:
		refuse(w, http.StatusBadGateway, fmt.Sprintf("optest: the server at %s was not reached: %v", p.upstream.Host, unreached))
		return
	case err != nil:
		// What the client would have seen: a connection or a stream that breaks.
		panic(http.ErrAbortHandler)
	}
	defer resp.Body.Close()
	giveBack(w, resp)
}

// upgrade names a protocol that the client wants to speak from here on. HTTP/2 in
// plaintext is only an offer, which a server may leave.
func upgrade(r *http.Request) (name string, refused bool) {
	if r.Method == http.MethodConnect {
		return "CONNECT", true
	}
	for _, name := range tokens(r.Header["Upgrade"]) {
		if !strings.EqualFold(name, "h2c") {
			return name, true
		}
	}
	return "", false
}

func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // the client may be gone
}

// outgoing is the request as it goes to the server.
func (p *Proxy) outgoing(r *http.Request, before *informer) *http.Request {
	ctx := httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{Got1xxResponse: before.inform})
	out := (&http.Request{
		Method: r.Method, URL: p.target(r), Host: r.Host, Header: endToEnd(r.Header), Body: r.Body, ContentLength: r.ContentLength, Close: r.Close,
		Proto: r.Proto, ProtoMajor: r.ProtoMajor, ProtoMinor: r.ProtoMinor,
	}).WithContext(ctx)
	switch {
	case r.ContentLength == 0:
		out.Body = http.NoBody // of requests that come in, it is known
	case len(r.Trailer) > 0:
		out.Trailer = http.Header{}
		for name := range r.Trailer {
			out.Trailer[name] = nil
		}
		out.Body = &trailed{r.Body, r, out}
	}
	if slices.ContainsFunc(tokens(r.Header["Te"]), func(name string) bool { return strings.EqualFold(name, "trailers") }) {
		out.Header.Set("Te", "trailers")
	}
	if _, has := out.Header["User-Agent"]; !has {
		out.Header["User-Agent"] = nil // else net/http adds its own
	}
	return out
}

// target is where the request goes, with path and query byte by byte.
func (p *Proxy) target(r *http.Request) *url.URL {
	to := &url.URL{Scheme: p.upstream.Scheme, Host: p.upstream.Host}
	path, query, queried := strings.Cut(r.RequestURI, "?")
	if path != "*" && !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		// Whole URLs, and paths that would be taken for one.
		to.Path, to.RawPath, to.RawQuery, to.ForceQuery = r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.URL.ForceQuery
		return to
	}
	to.Opaque, to.RawQuery, to.ForceQuery = path, query, queried
	return to
}

// trailed is a body after which trailers come.
type trailed struct {
	io.ReadCloser
	from, to *http.Request
}

func (t *trailed) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if err == io.EOF {
		maps.Copy(t.to.Trailer, t.from.Trailer)
	}
	return n, err
}

// hops are headers that are of a connection, not of the message (RFC 9110, 7.6.1).
var hops = []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Transfer-Encoding", "Upgrade", "Http2-Settings"}

// endToEnd are the headers that are of the message.
func endToEnd(header http.Header) http.Header {
	kept := header.Clone()
	if kept == nil {
		kept = http.Header{}
	}
	for _, name := range tokens(header["Connection"]) {
		kept.Del(name)
	}
	for _, name := range hops {
		delete(kept, name)
	}
	return kept
}

// tokens are the members of a list in headers.
func tokens(values []string) []string {
	var list []string
	for _, value := range values {
		for name := range strings.SplitSeq(value, ",") {
			if name = textproto.TrimString(name); name != "" {
				list = append(list, name)
			}
		}
	}
	return list
}

// informer passes on what the server says before its answer.
type informer struct {
	mu   sync.Mutex
	to   http.ResponseWriter
	over bool
}

// inform is called by a goroutine of the transport. That the server wants the body,
// the one of this side says itself.
func (i *informer) inform(status int, header textproto.MIMEHeader) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.over || status == http.StatusContinue || status == http.StatusSwitchingProtocols {
		return nil
	}
	h := i.to.Header()
	maps.Copy(h, endToEnd(http.Header(header)))
	i.to.WriteHeader(status)
	clear(h)
	return nil
}

func (i *informer) stop() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.over = true
}

// chunks are what bodies are passed on in.
var chunks = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// giveBack passes an answer on. Whatever breaks on the way breaks the answer.
func giveBack(w http.ResponseWriter, resp *http.Response) {
	h := w.Header()
	maps.Copy(h, endToEnd(resp.Header))
	// Those that net/http would add.
	for _, name := range []string{"Date", "Content-Type", "Content-Length"} {
		if _, has := h[name]; !has {
			h[name] = nil
		}
	}
	if resp.Close {
		h.Set("Connection", "close")
	}
	announced := slices.Sorted(maps.Keys(resp.Trailer))
	if len(announced) > 0 {
		h.Set("Trailer", strings.Join(announced, ", "))
	}
	w.WriteHeader(resp.StatusCode)
	pass(w, resp)
	for name, values := range resp.Trailer {
		if _, found := slices.BinarySearch(announced, name); !found {
			name = http.TrailerPrefix + name
		}
		h[name] = values
	}
}

// pass passes a body on, each piece when it is there.
func pass(w http.ResponseWriter, resp *http.Response) {
	flush := func() {
		if http.NewResponseController(w).Flush() != nil {
			panic(http.ErrAbortHandler)
		}
	}
	if resp.ContentLength != 0 {
		flush() // headers may be all there is for long
	}
	chunk := chunks.Get().(*[32 << 10]byte)
	defer chunks.Put(chunk)
	for {
		n, err := resp.Body.Read(chunk[:])
		if n > 0 {
			if _, err := w.Write(chunk[:n]); err != nil {
				panic(http.ErrAbortHandler)
			}
			if err != io.EOF {
				flush() // half an answer is one, too
			}
		}
		switch {
		case err == io.EOF:
			return
		case err != nil:
			panic(http.ErrAbortHandler)
		}
	}
}
