package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
)

func failing(t testing.TB, err error) *subject {
	s := newSubject(t, publishedMethods())
	s.reply = func(context.Context, string, proto.Message) (any, error) { return nil, err }
	return s
}

func TestErrorCodes(t *testing.T) {
	for code, want := range map[connect.Code]int{
		1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 12: 501,
		13: 500, 14: 503, 15: 500, 16: 401, 17: 500, 99: 500, 4294967295: 500,
	} {
		got := failing(t, connect.NewError(code, "no luck")).do(t, "GET", "/operations/a", "")
		if body := fmt.Sprintf(`{"code":%d,"message":"no luck"}`, code); got.code != want || got.body != body {
			t.Errorf("code %d: %d %s, want %d %s", code, got.code, got.body, want, body)
		}
	}
}

// What a client may see of an error is the same as over the other protocols.
func TestOtherErrors(t *testing.T) {
	for _, test := range []struct {
		err  error
		code int
		body string
	}{
		{errors.New("secret"), 500, `{"code":2,"message":""}`},
		{fmt.Errorf("deep: %w", context.Canceled), 499, `{"code":1,"message":""}`},
		{context.DeadlineExceeded, 504, `{"code":4,"message":""}`},
		{os.ErrDeadlineExceeded, 504, `{"code":4,"message":""}`},
		{fmt.Errorf("outer secret: %w", connect.NewError(5, "inner")), 404, `{"code":5,"message":"inner"}`},
		{connect.NewError(5, "theirs").WithRemote(), 500, `{"code":13,"message":""}`},
		{connect.NewError(0, "none"), 500, `{"code":2,"message":"none"}`},
		{(*connect.Error)(nil), 500, `{"code":2,"message":""}`},
		{connect.NewError(3, "<a> & \"b\"\n\xff\u2028"), 400, `{"code":3,"message":"<a> & \"b\"\n\ufffd\u2028"}`},
	} {
		got := failing(t, test.err).do(t, "GET", "/operations/a", "")
		if got.code != test.code || got.body != test.body {
			t.Errorf("%T %v: %d %s, want %d %s", test.err, test.err, got.code, got.body, test.code, test.body)
		}
	}
}

// TestMisshapenErrors: as some server would answer that confuses the status of
// the call with that of HTTP, or has no JSON for it.
func TestMisshapenErrors(t *testing.T) {
	e := connect.NewError(connect.CodeNotFound, "no <op>")
	for _, test := range []struct {
		err         error
		code        int
		contentType string
		body        string
	}{
		{&Misshapen{Err: e}, 404, "application/json", `{"code":5,"message":"no <op>"}`},
		{&Misshapen{Err: e, Status: 200}, 200, "application/json", `{"code":5,"message":"no <op>"}`},
		{&Misshapen{Err: e, Text: true}, 404, "text/plain", `no <op>`},
		{fmt.Errorf("outer: %w", &Misshapen{Err: e, Status: 200, Text: true}), 200, "text/plain", `no <op>`},
	} {
		got := httptest.NewRecorder()
		failing(t, test.err).ServeHTTP(got, httptest.NewRequest(http.MethodGet, "/operations/a", nil))
		if contentType := got.Header().Get("Content-Type"); got.Code != test.code || got.Body.String() != test.body || contentType != test.contentType {
			t.Errorf("%v: %d %s %s, want %d %s %s", test.err, got.Code, contentType, got.Body, test.code, test.contentType, test.body)
		}
	}
}

func TestErrorDetails(t *testing.T) {
	detail := func(m proto.Message) *connect.ErrorDetail {
		d, err := connectproto.NewErrorDetail(m)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	strange, err := anypb.New(durationpb.New(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	strange.TypeUrl = "type.googleapis.com/never.Registered"
	nested, err := anypb.New(strange)
	if err != nil {
		t.Fatal(err)
	}
	e := connect.NewError(connect.CodeResourceExhausted, "quota").
		WithDetail(detail(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "name", Description: "a, b: \"c\" "}}})).
		WithDetail(detail(durationpb.New(1500 * time.Millisecond))).
		WithDetail(detail(strange)).
		WithDetail(detail(nested)).
		WithDetail(&connect.ErrorDetail{Type: "google.rpc.BadRequest", Value: []byte{0xff}}).
		WithDetail(&connect.ErrorDetail{Type: "example.com/own.Type", Value: nil}).
		WithDetail(&connect.ErrorDetail{Type: "\xff", Value: []byte("x")}).
		WithDetail(&connect.ErrorDetail{})
	got := failing(t, e).do(t, "GET", "/operations/a", "")
	want := `{"code":8,"message":"quota","details":[` + strings.Join([]string{
		`{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"name","description":"a, b: \"c\" "}]}`,
		`{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1.500s"}`,
		`{"@type":"type.googleapis.com/never.Registered","value":"CAE="}`,
		`{"@type":"type.googleapis.com/google.protobuf.Any","value":"CiR0eXBlLmdvb2dsZWFwaXMuY29tL25ldmVyLlJlZ2lzdGVyZWQSAggB"}`,
		`{"@type":"type.googleapis.com/google.rpc.BadRequest","value":"/w=="}`,
		`{"@type":"example.com/own.Type","value":""}`,
		`{"@type":"type.googleapis.com/\ufffd","value":"eA=="}`,
		`{"@type":"type.googleapis.com/","value":""}`,
	}, ",") + `]}`
	if got.code != http.StatusTooManyRequests || got.body != want {
		t.Errorf("answer %d\n%s\nwant 429\n%s", got.code, got.body, want)
	}
}
