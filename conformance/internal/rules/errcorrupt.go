package rules

import (
	"encoding/base64"
	"math/rand/v2"
	"slices"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// spoil is the corruption of one event that the function holds for.
func spoil(is func(*Seen) bool, change func(*trace.Event)) Corruption {
	return func(t *Tape, draw *rand.Rand) (string, bool) {
		i, ok := t.Pick(draw, is)
		if !ok {
			return "", false
		}
		t.Change(i, change)
		return t.At(i).When(), true
	}
}

// with is a list with one field set.
func with(list trace.Fields, name, value string) trace.Fields {
	return append(without(list, name), trace.Field{Name: name, Value: value})
}

func without(list trace.Fields, name string) trace.Fields {
	return slices.DeleteFunc(slices.Clone(list), func(f trace.Field) bool { return f.Name == name })
}

// setEnd sets one of the fields that an answer over gRPC ends with.
func setEnd(e *trace.Event, name, value string) {
	if e.Frames.Trailers == optestv1.Event_Frames_ONLY {
		e.ResponseHeader = with(e.ResponseHeader, name, value)
	} else {
		e.Trailer = with(e.Trailer, name, value)
	}
}

func setFrames(e *trace.Event, change func(*trace.Frames)) {
	f := *e.Frames
	change(&f)
	e.Frames = &f
}

func overPlainGRPC(s *Seen) bool { return s.Protocol == optestv1.Event_GRPC && framed(s) }
func failedOverGRPC(s *Seen) bool {
	return framed(s) && s.Failed() && s.Frames.Trailers != optestv1.Event_Frames_MISSING
}

var (
	withoutStatus = spoil(overPlainGRPC, func(e *trace.Event) {
		e.Trailer, e.ResponseHeader = without(e.Trailer, grpcStatusField), without(e.ResponseHeader, grpcStatusField)
		setFrames(e, func(f *trace.Frames) { f.Trailers = optestv1.Event_Frames_MISSING })
	})
	withStatus17 = spoil(failedOverGRPC, func(e *trace.Event) { setEnd(e, grpcStatusField, "17") })
	// With a body behind it.
	withStatusFirst = spoil(func(s *Seen) bool { return overPlainGRPC(s) && s.OK() }, func(e *trace.Event) {
		e.Trailer, e.ResponseHeader = nil, with(e.ResponseHeader, grpcStatusField, "0")
		setFrames(e, func(f *trace.Frames) { f.Trailers = optestv1.Event_Frames_ONLY })
	})
	withOtherMessages = spoil(func(s *Seen) bool { return framed(s) && s.Frames.Trailers != optestv1.Event_Frames_MISSING }, func(e *trace.Event) {
		setFrames(e, func(f *trace.Frames) {
			if f.Messages++; f.Messages == 2 && e.Number%2 == 0 {
				f.Messages = 0
			}
		})
	})
	withRawMessage = spoil(failedOverGRPC, func(e *trace.Event) { setEnd(e, grpcMessageField, "Ж fehlt") })
	// Whatever the status is.
	withOtherDetails = spoil(failedOverGRPC, func(e *trace.Event) {
		st := &status.Status{}
		if proto.Unmarshal(e.Failure.Details, st) != nil || st.GetMessage() == "" {
			st.Message = e.Failure.Message
		}
		st.Code = int32(code.Code_INTERNAL)
		if e.Failure.Code == code.Code_INTERNAL {
			st.Code = int32(code.Code_UNKNOWN)
		}
		if raw, err := proto.Marshal(st); err == nil {
			setEnd(e, grpcDetailsField, base64.RawStdEncoding.EncodeToString(raw))
		}
	})
	withHTTP404 = spoil(func(s *Seen) bool { key, _ := judgeHTTP200(nil, s); return key != "" }, func(e *trace.Event) { e.HTTPStatus = 404 })
	// Of a method's documented route.
	withWrongHTTP = spoil(restError, func(e *trace.Event) { e.HTTPStatus = 422 })
	withWrapper   = spoil(func(s *Seen) bool { return restError(s) && len(s.RawJSON()) > 0 }, func(e *trace.Event) {
		e.Response = trace.NewBlob([]byte(`{"error":` + string(e.Response.Bytes()) + `}`))
	})
	withPage = spoil(restError, func(e *trace.Event) {
		e.ResponseCodec, e.Response = optestv1.Event_FOREIGN, trace.NewBlob([]byte("<html>"))
		e.ResponseHeader = with(e.ResponseHeader, "content-type", "text/html")
	})
	withConnect200     = spoil(func(s *Seen) bool { return connectFailed(s) && len(bytesOf(s)) > 0 }, func(e *trace.Event) { e.HTTPStatus = 200 })
	withoutWebTrailers = spoil(func(s *Seen) bool { return s.Protocol == optestv1.Event_GRPC_WEB && framed(s) }, func(e *trace.Event) {
		setFrames(e, func(f *trace.Frames) { f.Trailers = optestv1.Event_Frames_MISSING })
	})
	withHTMLType = spoil(func(s *Seen) bool { key, _ := judgeContentType(nil, s); return key != "" }, func(e *trace.Event) {
		e.ResponseHeader = with(e.ResponseHeader, "content-type", "text/html")
	})
)

// withOddHint draws a hint that is none.
func withOddHint(t *Tape, draw *rand.Rand) (string, bool) {
	odd := []string{"0", "-5", "1s", "soon", "1.5"}[draw.IntN(5)]
	return spoil(func(s *Seen) bool { return s.Answer != nil }, func(e *trace.Event) {
		e.ResponseHeader = with(e.ResponseHeader, hintField, odd)
	})(t, draw)
}
