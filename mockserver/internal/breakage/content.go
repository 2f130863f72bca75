package breakage

import (
	"encoding/binary"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// protocol is as much of an RPC protocol as matters here.
type protocol int

const (
	plain   protocol = iota // REST, Connect: the body is the message
	grpc                    // messages with a prefix, the status in trailers
	grpcWeb                 // messages with a prefix, the status in the body's last
)

func protocolOf(r *http.Request) protocol {
	switch contentType := r.Header.Get("Content-Type"); {
	case strings.HasPrefix(contentType, "application/grpc-web"):
		return grpcWeb
	case strings.HasPrefix(contentType, "application/grpc"):
		return grpc
	}
	return plain
}

// content is an answer that is complete and not yet sent.
type content struct {
	protocol protocol
	status   int
	header   http.Header
	messages []byte
	last     []byte      // of the body, with gRPC-Web: the status
	trailer  http.Header // without [http.TrailerPrefix]
}

func (c *content) body() []byte { return slices.Concat(c.messages, c.last) }

// labelPrefix is that of headers in which the mock says what it plays. They are for people, and no proxy drops them.
const labelPrefix = "X-Optest-"

const (
	prefixLen = 5    // of a message: flags, and its length in four bytes
	webStatus = 0x80 // the flag of gRPC-Web's last message
)

// divide tells the messages of a body from the status after them.
func (c *content) divide(body []byte) {
	c.messages = body
	if c.protocol != grpcWeb {
		return
	}
	for at := 0; len(body)-at >= prefixLen; {
		if body[at]&webStatus != 0 {
			c.messages, c.last = body[:at], body[at:]
			return
		}
		size := int64(binary.BigEndian.Uint32(body[at+1:]))
		if size > int64(len(body)-at-prefixLen) {
			return
		}
		at += prefixLen + int(size)
	}
}

// begin sends the header. length is that of the body, or negative for one that is not told.
func (c *content) begin(w http.ResponseWriter, length int) {
	header := w.Header()
	clear(header)
	maps.Copy(header, c.header)
	switch {
	case length >= 0 && len(header["Content-Length"]) == 0 && hasBody(c.status):
		header.Set("Content-Length", strconv.Itoa(length))
	case length < 0 && c.protocol != plain:
		header["Content-Length"] = nil // no server of RPCs tells it, but net/http does when it knows
	}
	w.WriteHeader(c.status)
}

// hasBody reports whether net/http takes a body with this status.
func hasBody(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// send sends all, to a client that may have gone.
func (c *content) send(w http.ResponseWriter) {
	c.begin(w, -1)
	_, _ = w.Write(c.body())
	header := w.Header()
	for name, values := range c.trailer {
		header[http.TrailerPrefix+name] = values
	}
}

// replace makes c the answer of something between client and server.
func (c *content) replace(f *optestv1.HttpFault) {
	header := http.Header{}
	for name, values := range c.header {
		if strings.HasPrefix(name, labelPrefix) {
			header[name] = values
		}
	}
	header["Content-Type"] = nil // net/http guesses one otherwise
	if f.GetContentType() != "" {
		header.Set("Content-Type", f.GetContentType())
	}
	for name, value := range f.GetHeaders() {
		header.Set(name, value)
	}
	*c = content{protocol: plain, status: int(f.GetStatus()), header: header, messages: []byte(f.GetBody())}
}
