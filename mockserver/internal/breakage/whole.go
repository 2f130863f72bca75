package breakage

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Whole is an answer that is complete and not yet sent, for [Answer.Reshape] to change.
type Whole struct {
	Status int
	Header http.Header
	// Body is what comes before the status: with gRPC and gRPC-Web, messages with their prefix.
	Body []byte
	// Trailer has the status of gRPC and gRPC-Web, wherever the answer has it.
	Trailer http.Header
}

// Reshape has the answer changed once it is complete, after the changes that were asked for before and before any fault. Values of
// trailers may be such that net/http refuses to send, a line feed among them: they go out as they are, over HTTP/2 and gRPC-Web.
//
// The error is that the handler has begun to answer.
func (a *Answer) Reshape(change func(*Whole)) error {
	if err := a.held(); err != nil {
		return err
	}
	a.changes = append(a.changes, change)
	return nil
}

// reshape lets the changes see the status of the answer as trailers.
func (c *content) reshape(changes []func(*Whole)) {
	if len(changes) == 0 {
		return
	}
	w := &Whole{Status: c.status, Header: c.header.Clone(), Body: c.messages, Trailer: c.trailer.Clone()}
	maps.Copy(w.Trailer, c.webTrailer())
	alone := c.protocol != plain && len(w.Trailer) == 0
	if alone {
		for name, values := range w.Header {
			if strings.HasPrefix(name, "Grpc-") && !slices.Contains([]string{"Grpc-Accept-Encoding", "Grpc-Encoding"}, name) {
				w.Trailer[name] = values
				delete(w.Header, name)
			}
		}
	}
	for _, change := range changes {
		change(w)
	}
	c.status, c.header, c.messages, c.trailer = w.Status, w.Header, w.Body, w.Trailer
	c.measure()
	if c.protocol == grpcWeb {
		c.trailer, c.last = http.Header{}, webMessage(w.Trailer)
	}
}

// webMessage is the last message of gRPC-Web.
func webMessage(trailer http.Header) []byte {
	var text []byte
	for _, name := range slices.Sorted(maps.Keys(trailer)) {
		for _, value := range trailer[name] {
			text = append(text, strings.ToLower(name)+": "+value+"\r\n"...)
		}
	}
	size := len(text)
	return append([]byte{webStatus, byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size)}, text...)
}

// unsendable reports whether net/http would leave out one of the trailers.
func (c *content) unsendable() bool {
	for _, values := range c.trailer {
		if slices.ContainsFunc(values, func(v string) bool { return !httpguts.ValidHeaderFieldValue(v) }) {
			return true
		}
	}
	return false
}

// sendRaw sends all, with the trailers in a frame of our own: it comes in the place of the frame with which the server would reset the
// stream, and ends it.
func (a *Answer) sendRaw(c *content) {
	c.begin(a.writer, -1)
	_, _ = a.writer.Write(c.body())
	_ = http.NewResponseController(a.writer).Flush()
	a.report(a.conn.strike(a.writer, breach{frames: func(stream uint32) []byte { return trailerFrame(c.trailer, stream) }}))
}

// trailerFrame spells the fields out, as sensitive ones are: neither they nor a fresh encoder change what the client's decoder knows.
func trailerFrame(trailer http.Header, stream uint32) []byte {
	return written(func(f *http2.Framer) error {
		var block headerBlock
		encoder := hpack.NewEncoder(&block)
		for _, name := range slices.Sorted(maps.Keys(trailer)) {
			for _, value := range trailer[name] {
				if err := encoder.WriteField(hpack.HeaderField{Name: strings.ToLower(name), Value: value, Sensitive: true}); err != nil {
					return err
				}
			}
		}
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block, EndStream: true, EndHeaders: true})
	})
}

type headerBlock []byte

func (b *headerBlock) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}
