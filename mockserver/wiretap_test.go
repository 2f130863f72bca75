package mockserver_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// tap keeps what goes over a client's connection.
type tap struct {
	net.Conn

	mu       sync.Mutex
	out, in  bytes.Buffer // as the client sent and got it
	ended    error        // what the client read at the end, nil before it
	ownClose bool
}

func (t *tap) Write(p []byte) (int, error) {
	t.mu.Lock()
	t.out.Write(p)
	t.mu.Unlock()
	return t.Conn.Write(p)
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.in.Write(p[:n])
	if err != nil && t.ended == nil {
		t.ended = err
	}
	return n, err
}

func (t *tap) Close() error {
	t.mu.Lock()
	t.ownClose = t.ownClose || t.ended == nil
	t.mu.Unlock()
	return t.Conn.Close()
}

// end says how the server has ended the connection, "" if it has not.
func (t *tap) end() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.ended == nil || t.ownClose:
		return ""
	case errors.Is(t.ended, syscall.ECONNRESET):
		return "RST"
	case errors.Is(t.ended, io.EOF):
		return "FIN"
	}
	return t.ended.Error()
}

// taps are the connections of one client, in the order in which it opened them.
type taps struct {
	dial func(context.Context) (net.Conn, error)

	mu   sync.Mutex
	list []*tap
}

func (ts *taps) open(ctx context.Context, _ string) (net.Conn, error) {
	conn, err := ts.dial(ctx)
	if err != nil {
		return nil, err
	}
	t := &tap{Conn: conn}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.list = append(ts.list, t)
	return t, nil
}

// frame is one of HTTP/2, in words, with what of it matters to a call.
type frame struct {
	text   string
	opens  bool // HEADERS of the client: an attempt of a call
	header map[string]string
	data   []byte
}

// sent and got are the frames of all connections.
func (ts *taps) sent() []frame {
	return ts.frames(func(t *tap) []byte { return afterPreface(t.out.Bytes()) })
}
func (ts *taps) got() []frame { return ts.frames(func(t *tap) []byte { return t.in.Bytes() }) }

func (ts *taps) frames(of func(*tap) []byte) []frame {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	var all []frame
	for _, t := range ts.list {
		t.mu.Lock()
		raw := bytes.Clone(of(t))
		t.mu.Unlock()
		all = append(all, frames(raw)...)
	}
	return all
}

// opened is how many connections there were.
func (ts *taps) opened() int {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return len(ts.list)
}

func (ts *taps) ends() []string {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	var list []string
	for _, t := range ts.list {
		if e := t.end(); e != "" {
			list = append(list, e)
		}
	}
	return list
}

func afterPreface(raw []byte) []byte { return bytes.TrimPrefix(raw, []byte(http2.ClientPreface)) }

// frames reads what one side of a connection has sent, without the frames that
// every connection has.
func frames(raw []byte) []frame {
	reader := bytes.NewReader(raw)
	framer := http2.NewFramer(nil, reader)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	var list []frame
	for {
		left := reader.Len()
		f, err := framer.ReadFrame()
		switch {
		case left == 0:
			return list
		case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
			return append(list, frame{text: cut(raw[len(raw)-left:])})
		case err != nil:
			return append(list, frame{text: err.Error()})
		}
		if f, ok := inWords(f); ok {
			list = append(list, f)
		}
	}
}

const frameHeaderLen = 9 // RFC 9113, 4.1

// cut is the begin of a frame that has no end.
func cut(rest []byte) string {
	if len(rest) < frameHeaderLen {
		return "part of a frame's header"
	}
	length := int(rest[0])<<16 | int(rest[1])<<8 | int(rest[2])
	if got := len(rest) - frameHeaderLen; 2*got-length < -1 || 2*got-length > 1 {
		return fmt.Sprintf("%d of %d bytes of %v", got, length, http2.FrameType(rest[3]))
	}
	return fmt.Sprintf("half of %v", http2.FrameType(rest[3]))
}

func inWords(f http2.Frame) (frame, bool) {
	switch f := f.(type) {
	case *http2.MetaHeadersFrame:
		w := frame{text: "HEADERS", header: map[string]string{}}
		for _, field := range f.Fields {
			w.header[field.Name] = field.Value
		}
		_, w.opens = w.header[":path"]
		if s, ok := w.header[":status"]; ok {
			w.text += " " + s
		}
		if s, ok := w.header["grpc-status"]; ok {
			w.text += " grpc-status " + s
		}
		return ended(w, f.StreamEnded()), true
	case *http2.DataFrame:
		if len(f.Data()) == 0 && f.StreamEnded() {
			return frame{text: "END"}, true
		}
		w := frame{text: "DATA", data: bytes.Clone(f.Data())}
		return ended(w, f.StreamEnded()), true
	case *http2.RSTStreamFrame:
		return frame{text: "RST_STREAM " + f.ErrCode.String()}, true
	case *http2.GoAwayFrame:
		last := fmt.Sprint(f.LastStreamID)
		if f.LastStreamID == 1<<31-1 {
			last = "max"
		}
		return frame{text: "GOAWAY " + last + " " + f.ErrCode.String()}, true
	}
	return frame{}, false
}

func ended(f frame, end bool) frame {
	if end {
		f.text += " END"
	}
	return f
}

// words are the frames in a line. What DATA brings is said by the headers before
// it: messages of gRPC, or a page of somebody else.
func words(list []frame) string {
	var texts []string
	grpc := true
	for _, f := range list {
		if t, ok := f.header["content-type"]; ok {
			grpc = strings.HasPrefix(t, "application/grpc")
			if !grpc {
				f.text += " " + t
			}
		}
		if f.data != nil {
			what := "page"
			if grpc {
				what = messages(f.data)
			}
			f.text = strings.Replace(f.text, "DATA", what, 1)
		}
		texts = append(texts, f.text)
	}
	return strings.Join(texts, ", ")
}

// messages counts those of gRPC: each has five bytes before it, with its length.
func messages(data []byte) string {
	const prefix = 5
	whole := 0
	for len(data) >= prefix {
		end := prefix + int(binary.BigEndian.Uint32(data[1:prefix]))
		if end > len(data) {
			break
		}
		data = data[end:]
		whole++
	}
	switch {
	case len(data) > 0:
		return "part of a message"
	case whole == 1:
		return "message"
	}
	return fmt.Sprintf("%d messages", whole)
}
