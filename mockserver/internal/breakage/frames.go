package breakage

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

const (
	frameHeaderLen = 9 // RFC 9113, 4.1
	resetLen       = frameHeaderLen + 4
)

// frames follows the frames of HTTP/2 in what a server writes. HTTP/1 has none: there all is one.
type frames struct {
	http1 bool
	begun bool
	head  [frameHeaderLen]byte
	got   int // bytes of head
	left  int // bytes of the payload that are still to come
}

// between reports whether the next byte begins a frame.
func (f *frames) between() bool { return f.left == 0 && f.got == 0 }

// pass follows p.
func (f *frames) pass(p []byte) {
	if !f.begun && len(p) > 0 {
		// A server of HTTP/1 begins with its name. One of HTTP/2 begins with the length of SETTINGS, which is far from 4 MiB.
		f.begun, f.http1 = true, p[0] == 'H'
	}
	if f.http1 {
		return
	}
	for {
		n := min(f.left, len(p))
		f.left -= n
		p = p[n:]
		switch {
		case len(p) == 0:
			return
		case f.got == 0 && len(p) >= frameHeaderLen: // nearly always
			f.left = payloadLen(p)
			p = p[frameHeaderLen:]
		default:
			n := copy(f.head[f.got:], p)
			f.got += n
			p = p[n:]
			if f.got == frameHeaderLen {
				f.got, f.left = 0, payloadLen(f.head[:])
			}
		}
	}
}

// findReset follows p up to a RST_STREAM with INTERNAL_ERROR and returns where that begins. Without one it returns the length of p,
// or less if what follows there could become one.
func (f *frames) findReset(p []byte) (at int, found bool) {
	for at < len(p) {
		rest := p[at:]
		switch {
		case !f.between() || f.http1:
			n := len(rest)
			if f.left > 0 {
				n = min(n, f.left)
			} else if !f.http1 {
				n = min(n, frameHeaderLen-f.got)
			}
			f.pass(rest[:n])
			at += n
		case len(rest) < frameHeaderLen:
			return at, false
		case !isReset(rest):
			f.pass(rest[:frameHeaderLen])
			at += frameHeaderLen
		case len(rest) < resetLen:
			return at, false
		case http2.ErrCode(binary.BigEndian.Uint32(rest[frameHeaderLen:])) == http2.ErrCodeInternal:
			return at, true
		default:
			f.pass(rest[:resetLen])
			at += resetLen
		}
	}
	return at, false
}

func payloadLen(head []byte) int { return int(head[0])<<16 | int(head[1])<<8 | int(head[2]) }

func isReset(head []byte) bool {
	return http2.FrameType(head[3]) == http2.FrameRSTStream && payloadLen(head) == resetLen-frameHeaderLen
}

func streamOf(head []byte) uint32 { return binary.BigEndian.Uint32(head[5:]) &^ (1 << 31) }
