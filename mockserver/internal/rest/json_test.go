package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"
)

func anyOf(t testing.TB, m proto.Message) *anypb.Any {
	t.Helper()
	packed := &anypb.Any{}
	if err := anypb.MarshalFrom(packed, m, proto.MarshalOptions{Deterministic: true}); err != nil {
		t.Fatal(err)
	}
	return packed
}

func finishedOperation(t testing.TB) *operation.Operation {
	return &operation.Operation{
		Id: "op1", Description: `says "a, b": \`, Done: true,
		CreatedAt:  &timestamppb.Timestamp{Seconds: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Unix()},
		ModifiedAt: &timestamppb.Timestamp{Seconds: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Unix(), Nanos: 120_000_000},
		Metadata:   anyOf(t, &clouddesktop.CopyFromDesktopMetadata{ImageId: "i1"}),
		Result: &operation.Operation_Response{Response: anyOf(t, &clouddesktop.DesktopImage{
			Id: "i1", Status: clouddesktop.DesktopImage_ACTIVE, StorageSize: 9007199254740993,
			Labels: map[string]string{"b": "2", "a": "1", "c": " 3 "},
		})},
	}
}

// The documented form of an answer: XP-02, XP-05, XP-06.
func TestAnswerJSON(t *testing.T) {
	s := newSubject(t, publishedMethods())
	var out any = finishedOperation(t)
	s.reply = func(context.Context, string, proto.Message) (any, error) { return out, nil }
	got := s.do(t, "GET", "/operations/op1", "")
	const want = `{"id":"op1","description":"says \"a, b\": \\","createdAt":"2026-01-02T03:04:05Z","modifiedAt":"2026-01-02T03:04:05.120Z",` +
		`"done":true,"metadata":{"@type":"type.googleapis.com/yandex.cloud.clouddesktop.v1.api.CopyFromDesktopMetadata","imageId":"i1"},` +
		`"response":{"@type":"type.googleapis.com/yandex.cloud.clouddesktop.v1.api.DesktopImage","id":"i1","status":"ACTIVE",` +
		`"labels":{"a":"1","b":"2","c":" 3 "},"storageSize":"9007199254740993"}}`
	if got.code != 200 || got.body != want {
		t.Errorf("answer %d\n%s\nwant 200\n%s", got.code, got.body, want)
	}
	out = &operation.Operation{Result: &operation.Operation_Error{Error: &status.Status{Code: 8, Message: "quota"}}}
	if got := s.do(t, "GET", "/operations/op1", ""); got.body != `{"error":{"code":8,"message":"quota"}}` {
		t.Errorf("answer %s", got.body)
	}
	out = (*operation.Operation)(nil)
	if got := s.do(t, "GET", "/operations/op1", ""); got.code != 200 || got.body != `{}` {
		t.Errorf("nil message: %d %s", got.code, got.body)
	}
	// A type that nobody registered has no JSON form: better 500 than half of it.
	out = &operation.Operation{Metadata: &anypb.Any{TypeUrl: "type.googleapis.com/never.Registered"}}
	if got := s.do(t, "GET", "/operations/op1", ""); got.code != 500 || !strings.Contains(got.message(t), "never.Registered") {
		t.Errorf("unregistered Any: %d %s", got.code, got.body)
	}
}

func TestCompact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.MapOf(rapid.String(), rapid.SliceOf(rapid.String())).Draw(t, "value")
		raw, err := json.MarshalIndent(value, " ", "\t ")
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		if err := json.Compact(&want, raw); err != nil {
			t.Fatal(err)
		}
		if got := compact(raw); !bytes.Equal(got, want.Bytes()) {
			t.Errorf("compacted to %s, want %s", got, want.Bytes())
		}
	})
}

// onlyWriter hides what a bytes.Buffer can do besides.
type onlyWriter struct{ io.Writer }

func TestEncodeJSON(t *testing.T) {
	message := finishedOperation(t)
	var direct, plain bytes.Buffer
	direct.WriteString("before ")
	if err := EncodeJSON(t.Context(), &direct, message); err != nil {
		t.Fatal(err)
	}
	if err := EncodeJSON(t.Context(), onlyWriter{&plain}, message); err != nil {
		t.Fatal(err)
	}
	if direct.String() != "before "+plain.String() || plain.Len() == 0 {
		t.Errorf("into a buffer %s, into a writer %s, want the same", direct.String(), plain.String())
	}
	var back operation.Operation
	if err := protojson.Unmarshal(plain.Bytes(), &back); err != nil || !proto.Equal(&back, message) {
		t.Errorf("reads back as %v with %v", &back, err)
	}
	broken := errors.New("broken pipe")
	if err := EncodeJSON(t.Context(), onlyWriter{failingWriter{broken}}, message); !errors.Is(err, broken) {
		t.Errorf("error %v, want the writer's", err)
	}
	if err := EncodeJSON(t.Context(), &plain, nil); err == nil {
		t.Error("nil accepted")
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// raw stands for an answer that is no message, as a fault makes it.
type raw string

func TestEncodeOption(t *testing.T) {
	encode := func(ctx context.Context, dst io.Writer, msg any) error {
		switch msg := msg.(type) {
		case raw:
			_, err := io.WriteString(dst, string(msg))
			return err
		case error:
			return msg
		default:
			return EncodeJSON(ctx, dst, msg)
		}
	}
	s := newSubject(t, publishedMethods(), Encode(encode))
	var out any = raw(`{"id" : "op1", "done": "maybe" }`)
	s.reply = func(context.Context, string, proto.Message) (any, error) { return out, nil }
	if got := s.do(t, "GET", "/operations/op1", ""); got.code != 200 || got.body != string(out.(raw)) {
		t.Errorf("answer %d %s, want it verbatim", got.code, got.body)
	}
	out = &operation.Operation{Id: "op2"}
	if got := s.do(t, "GET", "/operations/op1", ""); got.body != `{"id":"op2"}` {
		t.Errorf("answer %s, want the message", got.body)
	}
	out = connect.NewError(connect.CodeUnavailable, "from the encoder")
	if got := s.do(t, "GET", "/operations/op1", ""); got.code != 503 || got.message(t) != "from the encoder" {
		t.Errorf("answer %d %s, want the encoder's own verdict", got.code, got.body)
	}
	out = errors.New("cannot")
	if got := s.do(t, "GET", "/operations/op1", ""); got.code != 500 || !strings.Contains(got.message(t), "cannot") {
		t.Errorf("answer %d %s, want 500 that says why", got.code, got.body)
	}
}

func TestResponseBody(t *testing.T) {
	methods := oddMethods(t, `get: "/child" response_body: "child"`, `get: "/tags" response_body: "tags"`,
		`get: "/big" response_body: "big_int"`, `get: "/at" response_body: "at"`, `get: "/color" response_body: "color"`)
	encode := func(ctx context.Context, dst io.Writer, msg any) error {
		if text, ok := msg.(raw); ok {
			_, err := io.WriteString(dst, string(text))
			return err
		}
		return EncodeJSON(ctx, dst, msg)
	}
	s := newSubject(t, methods, Encode(encode))
	var out any = sink(t, methods[0], `id: "x" child { id: "y" big_int: 5 } tags: "a" tags: "b" big_int: 7 at { seconds: 1 } color: RED`)
	s.reply = func(context.Context, string, proto.Message) (any, error) { return out, nil }
	check := func(want map[string]string) {
		t.Helper()
		for target, body := range want {
			if got := s.do(t, "GET", target, ""); got.code != 200 || got.body != body {
				t.Errorf("%s: %d %s, want %s", target, got.code, got.body, body)
			}
		}
	}
	check(map[string]string{"/child": `{"id":"y","bigInt":"5"}`, "/tags": `["a","b"]`, "/big": `"7"`, "/at": `"1970-01-01T00:00:01Z"`, "/color": `"RED"`})
	out = sink(t, methods[0], ``)
	check(map[string]string{"/child": `null`, "/tags": `[]`, "/big": `"0"`, "/at": `null`, "/color": `"COLOR_UNSPECIFIED"`})
	out = raw(`"no message"`)
	check(map[string]string{"/child": `"no message"`})
}
