package breakage

import (
	"bytes"
	"net"
	"testing"

	"golang.org/x/net/http2"
	"pgregory.net/rapid"
)

// recorded keeps what is written to it.
type recorded struct {
	net.Conn
	bytes.Buffer
}

func (r *recorded) Write(p []byte) (int, error) { return r.Buffer.Write(p) }
func (r *recorded) Read([]byte) (int, error)    { return 0, net.ErrClosed }

// drawFrame draws a frame that a server may send, but none with which it resets a stream as a mark.
func drawFrame(t *rapid.T, f *http2.Framer) error {
	stream := rapid.Uint32Range(1, 1<<31-1).Draw(t, "stream")
	payload := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "payload")
	switch rapid.IntRange(0, 5).Draw(t, "type") {
	case 0:
		return f.WriteData(stream, rapid.Bool().Draw(t, "last"), payload)
	case 1:
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: payload, EndHeaders: true})
	case 2:
		return f.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 20})
	case 3:
		code := rapid.SampledFrom([]http2.ErrCode{http2.ErrCodeNo, http2.ErrCodeCancel, http2.ErrCodeStreamClosed}).Draw(t, "code")
		return f.WriteRSTStream(stream, code)
	case 4:
		return f.WriteRawFrame(http2.FrameRSTStream, 0, stream, payload[:min(len(payload), 3)]) // not one, whatever the peer makes of it
	}
	return f.WritePing(true, [8]byte{3, 4})
}

// TestBreachTakesThePlaceOfItsFrame writes frames in pieces of any size. A breach that begins between any two pieces must replace
// the first mark after it, and nothing else may change.
func TestBreachTakesThePlaceOfItsFrame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var written, want bytes.Buffer
		f := http2.NewFramer(&written, nil)
		must := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		must(f.WriteSettings())
		for range rapid.IntRange(0, 5).Draw(t, "frames before") {
			must(drawFrame(t, f))
		}
		below := &recorded{}
		conn := Over(below).(*Conn)
		begin := rapid.IntRange(0, written.Len()).Draw(t, "bytes before")
		writeInPieces(t, conn, written.Bytes()[:begin])
		stream := rapid.Uint32Range(1, 1<<31-1).Draw(t, "broken stream")
		for range rapid.IntRange(0, 5).Draw(t, "frames between") {
			must(drawFrame(t, f))
		}
		want.Write(written.Bytes())
		must(f.WriteRSTStream(stream, http2.ErrCodeInternal))
		after := written.Len()
		for range rapid.IntRange(0, 5).Draw(t, "frames after") {
			must(drawFrame(t, f))
		}
		must(f.WriteRSTStream(stream, http2.ErrCodeInternal)) // not its own

		ending := rapid.SampledFrom([]end{onward, silence}).Draw(t, "end")
		b := &breach{end: ending, done: make(chan struct{}), frames: func(got uint32) []byte {
			if got != stream {
				t.Errorf("the breach is of stream %d, want %d", got, stream)
			}
			return []byte("instead")
		}}
		conn.pending.Store(b)
		writeInPieces(t, conn, written.Bytes()[begin:])
		want.WriteString("instead")
		if ending == onward {
			want.Write(written.Bytes()[after:])
		}
		select {
		case <-b.done:
		default:
			t.Error("the breach has not happened")
		}
		if !bytes.Equal(below.Bytes(), want.Bytes()) {
			t.Errorf("sent are %x\nwant     %x", below.Bytes(), want.Bytes())
		}
	})
}

func writeInPieces(t *rapid.T, conn net.Conn, p []byte) {
	for len(p) > 0 {
		n := rapid.IntRange(1, len(p)).Draw(t, "piece")
		if got, err := conn.Write(p[:n]); got != n || err != nil {
			t.Fatalf("Write of %d bytes = %d, %v", n, got, err)
		}
		p = p[n:]
	}
}

// FuzzFrames divides anything in two: what is followed must not depend on where, and what is no frame must do no harm.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\n\r\n"), uint(3))
	f.Add(asIs(5), uint(4))
	f.Add(append(asIs(1), asIs(3)...), uint(13))
	f.Add([]byte{0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 2}, uint(9))
	f.Add([]byte{0xff, 0xff, 0xff, 3, 0, 0, 0, 0, 1}, uint(1))
	f.Add([]byte{}, uint(0))
	f.Fuzz(func(t *testing.T, p []byte, cut uint) {
		at := int(cut % uint(len(p)+1))
		var whole, halves frames
		whole.pass(p)
		halves.pass(p[:at])
		halves.pass(p[at:])
		if whole.left != halves.left || whole.got != halves.got || whole.http1 != halves.http1 {
			t.Errorf("followed in two at %d: %+v, want %+v", at, halves, whole)
		}
		var found frames
		found.pass(p[:at])
		end, ok := found.findReset(p[at:])
		switch {
		case end > len(p)-at:
			t.Errorf("found at %d of %d", end, len(p)-at)
		case ok && len(p)-at-end < resetLen:
			t.Errorf("found at %d of %d, which leaves too little", end, len(p)-at)
		case !ok && len(p)-at-end >= resetLen:
			t.Errorf("held back are %d bytes, want less than a frame", len(p)-at-end)
		}
	})
}

// FuzzDivide keeps all of a body, whatever it is.
func FuzzDivide(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x01a\x80\x00\x00\x00\x10grpc-status: 0\r\n"))
	f.Add([]byte("\x00\xff\xff\xff\xff"))
	f.Add([]byte("{}"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, p := range []protocol{plain, grpc, grpcWeb} {
			c := &content{protocol: p}
			c.divide(body)
			if !bytes.Equal(c.body(), body) {
				t.Errorf("divided into %q and %q, want all of %q", c.messages, c.last, body)
			}
			_ = c.webTrailer()
		}
	})
}
