package breakage

import (
	"bytes"
	"fmt"
	"math"

	"golang.org/x/net/http2"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// need is what a fault can't do without.
type need int

const (
	anyCall    need = iota
	twoHTTP         // streams and frames
	statusLast      // a protocol that ends its answers with a status: gRPC, gRPC-Web
)

// kind is what a transport fault of one kind does: it gives a whole answer another shape, or it breaks the answer off.
type kind struct {
	needs need
	shape func(c *content, after uint32)
	place bool // after_bytes has a meaning

	breaks bool
	frames func(stream uint32, rest []byte) []byte // sent where the answer breaks off, rest being what it lacks
	halves bool                                    // they end within one
	end    end
}

var kinds = map[optestv1.TransportFault_Kind]kind{
	optestv1.TransportFault_RST_REFUSED_STREAM:    resetWith(http2.ErrCodeRefusedStream),
	optestv1.TransportFault_RST_NO_ERROR:          resetWith(http2.ErrCodeNo),
	optestv1.TransportFault_RST_INTERNAL_ERROR:    resetWith(http2.ErrCodeInternal),
	optestv1.TransportFault_RST_CANCEL:            resetWith(http2.ErrCodeCancel),
	optestv1.TransportFault_RST_ENHANCE_YOUR_CALM: resetWith(http2.ErrCodeEnhanceYourCalm),
	optestv1.TransportFault_GOAWAY_GRACEFUL:       {needs: twoHTTP, shape: goAwayGracefully},
	optestv1.TransportFault_GOAWAY_BELOW_STREAM:   {needs: twoHTTP, breaks: true, place: true, frames: goAwayBelow},
	optestv1.TransportFault_GOAWAY_ABRUPT:         {needs: twoHTTP, breaks: true, place: true, frames: goAwayAbove, end: finish},
	optestv1.TransportFault_TCP_RESET:             {breaks: true, place: true, end: reset},
	optestv1.TransportFault_TCP_CLOSE:             {breaks: true, place: true, end: finish},
	optestv1.TransportFault_BLACK_HOLE:            {breaks: true, place: true, end: silence},
	optestv1.TransportFault_HALF_FRAME:            {breaks: true, place: true, halves: true, frames: halfFrame, end: finish},
	optestv1.TransportFault_NO_TRAILERS:           {needs: statusLast, shape: noTrailers},
	optestv1.TransportFault_NO_MESSAGE:            {shape: noMessage},
	optestv1.TransportFault_TWO_MESSAGES:          {shape: twoMessages},
	optestv1.TransportFault_TRAILERS_ONLY:         {needs: statusLast, shape: trailersOnly},
	optestv1.TransportFault_STATUS_IN_HEADERS:     {needs: statusLast, shape: statusInHeaders},
	optestv1.TransportFault_TRUNCATED_MESSAGE:     {shape: truncatedMessage, place: true},
}

// Check says what is wrong with a fault whatever the call: an unknown kind, or a place where the kind has none.
func Check(f *optestv1.TransportFault) error {
	k, ok := kinds[f.GetKind()]
	switch {
	case !ok:
		return fmt.Errorf("optest: transport fault's kind got %v, want one of optest.v1.TransportFault.Kind but KIND_UNSPECIFIED", f.GetKind())
	case f.GetAfterBytes() != 0 && !k.place:
		return fmt.Errorf("optest: transport fault %v got after_bytes %d, want 0: it is for the answer as a whole", f.GetKind(), f.GetAfterBytes())
	}
	return nil
}

func resetWith(code http2.ErrCode) kind {
	return kind{needs: twoHTTP, breaks: true, place: true, frames: func(stream uint32, _ []byte) []byte {
		return written(func(f *http2.Framer) error { return f.WriteRSTStream(stream, code) })
	}}
}

// goAwayBelow says that the stream, and those after it, were not processed, and that others may be used to their end.
func goAwayBelow(stream uint32, _ []byte) []byte {
	last := max(stream, 2) - 2 // 0: none was
	return written(func(f *http2.Framer) error { return f.WriteGoAway(last, http2.ErrCodeNo, nil) })
}

// goAwayAbove says that any stream may have been processed.
func goAwayAbove(uint32, []byte) []byte {
	return written(func(f *http2.Framer) error { return f.WriteGoAway(math.MaxInt32, http2.ErrCodeNo, nil) })
}

// maxFrame is the payload that every client accepts (RFC 9113, 6.5.2).
const maxFrame = 16384

// halfFrame is half of what the next DATA frame would bring; where there is nothing to bring, half of the frame's header.
func halfFrame(stream uint32, rest []byte) []byte {
	rest = rest[:min(len(rest), maxFrame)]
	whole := written(func(f *http2.Framer) error { return f.WriteData(stream, false, rest) })
	if len(rest) == 0 {
		return whole[:frameHeaderLen/2]
	}
	return whole[:len(whole)-(len(rest)+1)/2]
}

// written is what write does to a framer, which fails on a stream number only that no server has opened.
func written(write func(*http2.Framer) error) []byte {
	var b bytes.Buffer
	f := http2.NewFramer(&b, nil)
	f.AllowIllegalWrites = true
	if err := write(f); err != nil {
		panic(err)
	}
	return b.Bytes()
}
