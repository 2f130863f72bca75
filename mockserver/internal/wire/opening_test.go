package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
)

// readConn is a connection of which only Read is used.
type readConn struct {
	net.Conn
	io.Reader
}

func (c readConn) Read(p []byte) (int, error) { return c.Reader.Read(p) }

func TestOpening(t *testing.T) {
	for _, test := range []struct {
		sent, first string
		tls, http2  bool
	}{
		{sent: "\x16\x03\x01\x02\x00\x01", first: "\x16\x03\x01", tls: true},
		{sent: "\x16", first: "\x16", tls: true},
		{sent: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", first: "PRI", http2: true},
		{sent: "POST / HTTP/1.1\r\n", first: "POS"},
		{sent: "PUT / HTTP/1.1\r\n", first: "PUT"},
		{sent: "PROPFIND / HTTP/1.1\r\n", first: "PRO"},
		{sent: "GET / HTTP/1.1\r\n", first: "GET"},
		{sent: "\x00\xff garbage", first: "\x00\xff "},
		{sent: "pri", first: "pri"},
		{sent: "X", first: "X"},
	} {
		for name, reader := range map[string]func(io.Reader) io.Reader{
			"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "with the error": iotest.DataErrReader,
		} {
			conn := readConn{Reader: reader(strings.NewReader(test.sent))}
			first, err := opening(conn)
			if err != nil || !strings.HasPrefix(test.first, string(first)) || startsTLS(first) != test.tls || startsHTTP2(first) != test.http2 {
				t.Errorf("opening of %q %s = %q, TLS %t, HTTP/2 %t, %v; want a start of %q, %t, %t",
					test.sent, name, first, startsTLS(first), startsHTTP2(first), err, test.first, test.tls, test.http2)
			}
			rest, err := io.ReadAll(&replayed{Conn: conn, left: first})
			if err != nil || string(rest) != test.sent {
				t.Errorf("after the opening %s, %q is read (%v), want all of %q", name, rest, err, test.sent)
			}
		}
	}
	for _, sent := range []string{"", "P", "PR"} {
		conn := readConn{Reader: io.MultiReader(strings.NewReader(sent), iotest.ErrReader(io.ErrUnexpectedEOF))}
		if first, err := opening(conn); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("opening of %q and no more = %q, %v; want the error", sent, first, err)
		}
	}
}

// FuzzOpening: whatever a client sends, in whatever pieces, the server reads all of it.
func FuzzOpening(f *testing.F) {
	for _, sent := range []string{"", "P", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01", "\x00"} {
		f.Add([]byte(sent), 1, 1)
		f.Add([]byte(sent), 2, 3)
	}
	f.Fuzz(func(t *testing.T, sent []byte, sizeA, sizeB int) {
		cut := min(max(sizeA, 0), len(sent))
		conn := readConn{Reader: io.MultiReader(bytes.NewReader(sent[:cut]), bytes.NewReader(sent[cut:]))}
		first, err := opening(conn)
		if err != nil {
			if len(sent) >= len(http2Preface) || !strings.HasPrefix(http2Preface, string(sent)) {
				t.Fatalf("opening of %q: %v, want an opening", sent, err)
			}
			return
		}
		again := &replayed{Conn: conn, left: first}
		var got []byte
		for piece := make([]byte, min(max(sizeB, 1), 64)); ; {
			n, err := again.Read(piece)
			got = append(got, piece[:n]...)
			if err != nil {
				break
			}
		}
		if !bytes.Equal(got, sent) {
			t.Fatalf("server reads %q, want %q", got, sent)
		}
	})
}
