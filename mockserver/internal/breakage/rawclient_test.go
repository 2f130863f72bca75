package breakage_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/proto"
)

// A connection is silent when nothing comes for a while after all that must come, and a test has failed when that does not come.
const (
	quiet    = 100 * time.Millisecond
	patience = 10 * time.Second
)

// rawClient speaks HTTP/2 frame by frame and forgives nothing.
type rawClient struct {
	tb      testing.TB
	conn    net.Conn
	reset   bool         // a write has failed with that, which the kernel tells only once
	seen    bytes.Buffer // all that was read
	framer  *http2.Framer
	encoded bytes.Buffer
	encoder *hpack.Encoder
	decoder *hpack.Decoder
}

func (n network) raw(tb testing.TB) *rawClient {
	tb.Helper()
	conn, err := n.dial(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	if n.trust != nil {
		config := n.trust.Clone()
		config.NextProtos = []string{"h2"}
		conn = tls.Client(conn, config)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	c := &rawClient{tb: tb, conn: conn, decoder: hpack.NewDecoder(4096, nil)}
	c.framer = http2.NewFramer(c, io.TeeReader(conn, &c.seen))
	c.encoder = hpack.NewEncoder(&c.encoded)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		tb.Fatal(err)
	}
	c.write(c.framer.WriteSettings())
	return c
}

func (c *rawClient) Write(p []byte) (int, error) {
	n, err := c.conn.Write(p)
	c.reset = c.reset || errors.Is(err, syscall.ECONNRESET)
	return n, err
}

func (c *rawClient) write(err error) {
	c.tb.Helper()
	if err != nil {
		c.tb.Fatal(err)
	}
}

func enveloped(tb testing.TB, m proto.Message) []byte {
	tb.Helper()
	encoded, err := proto.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(encoded))), encoded...)
}

// call opens a stream with a whole request of this content type.
func (c *rawClient) call(stream uint32, contentType, id string) {
	c.tb.Helper()
	c.open(stream, procedure, contentType)
	c.write(c.framer.WriteData(stream, true, enveloped(c.tb, &operation.GetOperationRequest{OperationId: id})))
}

// open opens a stream whose request has a body.
func (c *rawClient) open(stream uint32, path, contentType string) {
	c.tb.Helper()
	c.encoded.Reset()
	for _, f := range [][2]string{
		{":method", "POST"},
		{":scheme", "http"},
		{":path", path},
		{":authority", "stage"},
		{"content-type", contentType},
		{"te", "trailers"},
	} {
		c.write(c.encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}))
	}
	c.write(c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: c.encoded.Bytes(), EndHeaders: true}))
}

// watch tells what comes until the stream is over and the connection answers a ping, or until that is over. It waits for what is
// wanted, and does not wait long for an end in silence.
func (c *rawClient) watch(stream uint32, want []string) []string {
	c.tb.Helper()
	var told []string
	tell := func(format string, args ...any) { told = append(told, fmt.Sprintf(format, args...)) }
	ping := func() { _ = c.framer.WritePing(false, [8]byte{1}) } // the connection may be closed already
	for {
		wait := patience
		if len(told) == len(want)-1 && strings.HasSuffix(want[len(told)], "silence") {
			wait = quiet
		}
		c.write(c.conn.SetReadDeadline(time.Now().Add(wait)))
		whole := c.seen.Len()
		frame, err := c.framer.ReadFrame()
		if err != nil {
			tell("%s", c.endOf(err, whole))
			return told
		}
		if h := frame.Header(); h.StreamID != 0 && h.StreamID != stream {
			// What was on its way to a broken stream is answered so.
			if f, ok := frame.(*http2.RSTStreamFrame); !ok || f.ErrCode != http2.ErrCodeStreamClosed {
				c.tb.Errorf("%v, want a frame of stream %d only", h, stream)
			}
			continue
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = c.framer.WriteSettingsAck() // nor is this of matter then
			}
		case *http2.WindowUpdateFrame:
		case *http2.PingFrame:
			tell("alive")
			return told
		case *http2.HeadersFrame:
			fields, err := c.decoder.DecodeFull(f.HeaderBlockFragment())
			c.write(err)
			tell("HEADERS%s%s", notable(fields), ended(f.StreamEnded()))
			if f.StreamEnded() {
				ping()
			}
		case *http2.DataFrame:
			tell("DATA %d%s", len(f.Data()), ended(f.StreamEnded()))
			if f.StreamEnded() {
				ping()
			}
		case *http2.RSTStreamFrame:
			tell("RST_STREAM %v", f.ErrCode)
			ping()
		case *http2.GoAwayFrame:
			tell("GOAWAY %d %v", f.LastStreamID, f.ErrCode)
			if f.LastStreamID < stream {
				ping()
			}
		default:
			tell("%v", f)
		}
	}
}

func ended(yes bool) string {
	if yes {
		return " END"
	}
	return ""
}

// notable are the fields of a header that the faults are about.
func notable(fields []hpack.HeaderField) string {
	var b strings.Builder
	for _, f := range fields {
		switch f.Name {
		case ":status":
			b.WriteString(" " + f.Value)
		case "grpc-status", "content-length":
			fmt.Fprintf(&b, " %s=%s", f.Name, f.Value)
		}
	}
	return b.String()
}

// endOf names the end of a connection of which so many bytes were whole frames.
func (c *rawClient) endOf(err error, whole int) string {
	cut := ""
	if left := c.seen.Bytes()[whole:]; len(left) >= 9 {
		cut = fmt.Sprintf("%v of %d cut to %d, ", http2.FrameType(left[3]), int(left[0])<<16|int(left[1])<<8|int(left[2]), len(left)-9)
	} else if len(left) > 0 {
		cut = fmt.Sprintf("frame header cut to %d, ", len(left))
	}
	switch {
	case c.reset, errors.Is(err, syscall.ECONNRESET):
		return cut + "reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return cut + "FIN"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return cut + "silence"
	}
	c.tb.Errorf("connection ends with %v", err)
	return err.Error()
}
