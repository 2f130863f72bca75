package breakage

import (
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// goAwayGracefully has the server itself say GOAWAY beside the answer, and close when all streams have ended.
func goAwayGracefully(c *content, _ uint32) { c.header.Set("Connection", "close") }

func noTrailers(c *content, _ uint32) { c.trailer, c.last = nil, nil }

func noMessage(c *content, _ uint32) {
	c.messages = nil
	c.measure()
}

func twoMessages(c *content, _ uint32) {
	c.messages = slices.Concat(c.messages, c.messages)
	c.measure()
}

// trailersOnly is an answer that has its status in the only block of headers, as gRPC allows for errors.
func trailersOnly(c *content, _ uint32) {
	statusInHeaders(c, 0)
	c.messages = nil
}

// statusInHeaders moves the status to where it stands in an answer of trailers only.
func statusInHeaders(c *content, _ uint32) {
	maps.Copy(c.header, c.trailer)
	maps.Copy(c.header, c.webTrailer())
	c.trailer, c.last = nil, nil
}

// webTrailer is what the last message of gRPC-Web says, which is written like a header of HTTP/1.
func (c *content) webTrailer() http.Header {
	trailer := http.Header{}
	if len(c.last) < prefixLen {
		return trailer
	}
	for line := range strings.Lines(string(c.last[prefixLen:])) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			trailer.Add(textproto.TrimString(name), textproto.TrimString(value))
		}
	}
	return trailer
}

// truncatedMessage ends the body within its first message: after so many bytes, or in the middle. The status is as before, but for
// gRPC-Web, where it would be taken for the rest of the message.
func truncatedMessage(c *content, after uint32) {
	keep := upTo(after, len(c.messages))
	if after == 0 {
		if c.protocol != plain && len(c.messages) > prefixLen {
			keep = prefixLen
		}
		keep += (len(c.messages) - keep) / 2
	}
	c.messages = c.messages[:keep]
	c.last = nil
	c.measure()
}

// upTo is a place in something of this length.
func upTo(n uint32, length int) int { return int(min(uint64(n), uint64(length))) }

// measure forgets the length that the handler gave.
func (c *content) measure() { c.header.Del("Content-Length") }
