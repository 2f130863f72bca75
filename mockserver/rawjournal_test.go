package mockserver

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/fixtures"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

const (
	copyProcedure = "/yandex.cloud.clouddesktop.v1.api.DesktopImageService/CopyFromDesktop"
	getProcedure  = "/yandex.cloud.operation.OperationService/Get"
)

// post sends a body as it is and returns the answer's.
func post(t *testing.T, s *Server, method, path, contentType string, body []byte) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, answer
}

// framed is a message with its prefix, and unframed the first message of a body.
func framed(message []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
}

func unframed(t *testing.T, body []byte) []byte {
	t.Helper()
	if len(body) < 5 || len(body) < 5+int(binary.BigEndian.Uint32(body[1:])) {
		t.Fatalf("body %x, want a message with its prefix", body)
	}
	return body[5:][:binary.BigEndian.Uint32(body[1:])]
}

// What no decoder would tell apart stays apart in the journal: the bytes are
// those that the client has sent and received.
func TestJournalHoldsTheBytes(t *testing.T) {
	name := (&clouddesktop.CopyFromDesktopRequest{}).ProtoReflect().Descriptor().Fields().ByName("name").Number()
	odd, err := proto.Marshal(&clouddesktop.CopyFromDesktopRequest{DesktopId: "d", Name: "first"})
	if err != nil {
		t.Fatal(err)
	}
	odd = protowire.AppendString(protowire.AppendTag(odd, name, protowire.BytesType), "n") // the last one counts
	odd = protowire.AppendVarint(protowire.AppendTag(odd, 900, protowire.VarintType), 1)   // unknown
	spaced := []byte("{ \"name\" :\t\"n\", \"desktopId\": \"d\" }")
	tests := map[string]struct {
		path, contentType string
		sent              []byte // on the wire
		want              []byte // in the journal
		whole             bool   // the answer's body is the message
		codec             string
	}{
		"gRPC":              {copyProcedure, "application/grpc+proto", framed(odd), odd, false, "proto"},
		"gRPC with JSON":    {copyProcedure, "application/grpc+json", framed(spaced), spaced, false, "json"},
		"gRPC-Web":          {copyProcedure, "application/grpc-web+proto", framed(odd), odd, false, "proto"},
		"Connect":           {copyProcedure, "application/proto", odd, odd, true, "proto"},
		"Connect with JSON": {copyProcedure, "application/json", spaced, spaced, true, "json"},
		"REST":              {"/cloud-desktop/v1/images:copyFromDesktop", "application/json", spaced, spaced, true, "json"},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			s := New(t)
			s.Play(Running(time.Hour).Succeed())
			_, body := post(t, s, http.MethodPost, tt.path, tt.contentType, tt.sent)
			if !tt.whole {
				body = unframed(t, body)
			}
			calls := s.Calls()
			if len(calls) != 1 {
				t.Fatalf("%d calls, want 1", len(calls))
			}
			c := calls[0]
			if !bytes.Equal(c.RequestBytes, tt.want) || c.Codec != tt.codec {
				t.Errorf("request is %s %q, want %s %q", c.Codec, c.RequestBytes, tt.codec, tt.want)
			}
			if !bytes.Equal(c.ResponseBytes, body) {
				t.Errorf("response is %q, want what the client got: %q", c.ResponseBytes, body)
			}
			if got := c.Request.(*clouddesktop.CopyFromDesktopRequest); got.GetName() != "n" || got.GetDesktopId() != "d" {
				t.Errorf("request is decoded as %v", got)
			}
			if got := c.Response.(*operation.Operation); got.GetId() != c.Operation || c.Phase != optestv1.Fault_RUNNING {
				t.Errorf("response is decoded as %v, phase %v of %s", got, c.Phase, c.Operation)
			}
		})
	}
}

func TestJournalOfREST(t *testing.T) {
	s := New(t)
	post(t, s, http.MethodGet, "/operations/oprnone?x-token=secret-of-a-user", "application/json", nil)
	post(t, s, http.MethodGet, "/operations/oprnone", "application/json", nil)
	c := s.Calls()[1]
	if c.RequestBytes != nil || c.HTTPRequest != "GET /operations/oprnone" {
		t.Errorf("%q with body %q, want GET /operations/oprnone without", c.HTTPRequest, c.RequestBytes)
	}
	if got := c.Request.(*operation.GetOperationRequest).GetOperationId(); got != "oprnone" {
		t.Errorf("operation_id %q, want that of the path", got)
	}
	if text := s.Calls()[0].HTTPRequest; strings.Contains(text, "secret") {
		t.Errorf("the journal holds %q", text)
	}
}

// A request that can't be decoded is not lost.
func TestJournalHoldsWhatIsNoMessage(t *testing.T) {
	s := New(t)
	post(t, s, http.MethodPost, getProcedure, "application/json", []byte(`{"operationId":`))
	c := s.Calls()[0]
	if string(c.RequestBytes) != `{"operationId":` || c.Request != nil || c.Code != codes.InvalidArgument {
		t.Errorf("request %q, decoded %v, code %v", c.RequestBytes, c.Request, c.Code)
	}
}

// A call whose messages are credentials keeps none of them, read or not.
func TestCredentialsAreWithheld(t *testing.T) {
	s := New(t, Token("secret-of-a-user"))
	for _, body := range []string{`{"yandexPassportOauthToken":"secret-of-a-user"}`, `{"yandexPassportOauthToken":"secret-of-a-user`} {
		post(t, s, http.MethodPost, "/yandex.cloud.iam.v1.IamTokenService/Create", "application/json", []byte(body))
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+"/operations/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", "secret-of-a-user")
	req.Header.Set("X-Mine", "Bearer secret-of-a-user")
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	calls := s.Calls()
	for _, c := range calls[:2] {
		if !c.Withheld || c.RequestBytes != nil || c.ResponseBytes != nil || c.Request != nil || c.Response != nil {
			t.Errorf("%v holds %q and %q", c, c.RequestBytes, c.ResponseBytes)
		}
		if e := c.event("", s.Now()); e.RequestFidelity != optestv1.Event_WITHHELD {
			t.Errorf("fidelity %v, want WITHHELD", e.RequestFidelity)
		}
	}
	for name, values := range calls[2].Header {
		if strings.Contains(strings.Join(values, ""), "secret") {
			t.Errorf("header %s is %q", name, values)
		}
	}
}

// What a fault makes of the answer is in the journal as it went out, with the
// fault that did it and where it comes from.
func TestJournalOfFaults(t *testing.T) {
	both := &optestv1.Fault{On: optestv1.Fault_CREATE, Name: "both", Effect: &optestv1.Fault_Answer{Answer: &optestv1.AnswerFault{AppendRaw: []byte{0x38, 1}}}}
	s := New(t)
	s.Play(Running(time.Hour).WithFault(both).Named("appended").Succeed())
	_, body := post(t, s, http.MethodPost, copyProcedure, "application/proto", mustMarshal(t, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"}))
	c := s.Calls()[0]
	if !bytes.Equal(c.ResponseBytes, body) || !bytes.HasSuffix(c.ResponseBytes, []byte{0x38, 1}) {
		t.Errorf("response %x, want %x", c.ResponseBytes, body)
	}
	if diff := cmp.Diff([]AppliedFault{{"both", "answer", "appended"}}, c.Faults); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}

	s.Reset()
	s.Play(Running(time.Hour).Succeed())
	s.Inject(&optestv1.Fault{On: optestv1.Fault_CREATE, Times: 1, Effect: &optestv1.Fault_Http{Http: &optestv1.HttpFault{Status: 502, ContentType: "text/html", Body: "<h1>502</h1>", Headers: map[string]string{"retry-after": "3"}}}})
	resp, body := post(t, s, http.MethodPost, copyProcedure, "application/grpc", framed(mustMarshal(t, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})))
	c = s.Calls()[0]
	if c.HTTPStatus != resp.StatusCode || !c.Foreign || !bytes.Equal(c.ResponseBytes, body) || c.Response != nil || c.ResponseHeader.Get("Retry-After") != "3" {
		t.Errorf("HTTP %d, foreign %v, %q, header %v; want the page of HTTP %d: %q", c.HTTPStatus, c.Foreign, c.ResponseBytes, c.ResponseHeader, resp.StatusCode, body)
	}
	if diff := cmp.Diff([]AppliedFault{{"http", "http", ""}}, c.Faults); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	if e := c.event("", s.Now()); e.ResponseCodec != optestv1.Event_FOREIGN || e.HTTPStatus != 502 || e.Code() != code.Code_UNAVAILABLE {
		t.Errorf("event %v", e)
	}
}

func TestJournalOfABrokenAnswer(t *testing.T) {
	s := New(t)
	s.Play(fixtures.Must("answer-lost-after-create"))
	s.Inject(&optestv1.Fault{On: optestv1.Fault_GET, Effect: &optestv1.Fault_Transport{Transport: &optestv1.TransportFault{Kind: optestv1.TransportFault_RST_INTERNAL_ERROR, AfterCommit: true}}})
	op, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
	if err == nil {
		t.Fatalf("got %v, want the answer lost", op)
	}
	id := s.Calls()[0].Operation
	if _, err := getOperation(t.Context(), s, id); err == nil {
		t.Fatal("the answer has come")
	}
	c := s.Calls()[len(s.Calls())-1]
	if !c.Broken || c.Operation != id {
		t.Errorf("%v, broken %v; want the broken call about %s", c, c.Broken, id)
	}
	if e := c.event("", s.Now()); e.Outcome != optestv1.Event_INDETERMINATE {
		t.Errorf("outcome %v, want INDETERMINATE", e.Outcome)
	}
}

func TestJournalOfHintsAndDetails(t *testing.T) {
	s := New(t)
	s.Play(Running(time.Hour).PollEvery(7).Succeed())
	if _, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"}); err != nil {
		t.Fatal(err)
	}
	if _, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{}); err == nil {
		t.Fatal("a request without desktop was accepted")
	}
	calls := s.Calls()
	if got := calls[0].ResponseHeader.Get(headerHint); got != "7" {
		t.Errorf("the hint is %q, want 7", got)
	}
	if len(calls[1].Details) != 1 || !strings.HasSuffix(calls[1].Details[0].GetTypeUrl(), "google.rpc.BadRequest") {
		t.Errorf("details %v, want a BadRequest", calls[1].Details)
	}
	if e := calls[1].event("", s.Now()); len(e.Failure.Details) == 0 || e.ResponseHeader == nil && e.Failure == nil {
		t.Errorf("the event has no details: %v", e.Failure)
	}
}

// However large the messages, the journal has its bound.
func TestJournalIsBoundedInBytes(t *testing.T) {
	j := newJournal(1000)
	for range 12 {
		c := &record{}
		c.packed.append(partRequest, make([]byte, maxJournal/8))
		j.add(c)
	}
	calls, forgotten := j.list()
	if len(calls) != 8 || forgotten != 4 || calls[0].Number != 5 || j.size > maxJournal {
		t.Errorf("%d calls from %d on, %d forgotten, %d bytes; want 8 from 5 on and 4 forgotten", len(calls), calls[0].Number, forgotten, j.size)
	}
}

func TestTimeoutOfCalls(t *testing.T) {
	tests := map[string]struct {
		header http.Header
		want   time.Duration
	}{
		"none":         {http.Header{}, 0},
		"seconds":      {http.Header{"Grpc-Timeout": {"5S"}}, 5 * time.Second},
		"milliseconds": {http.Header{"Grpc-Timeout": {"99m"}}, 99 * time.Millisecond},
		"minutes":      {http.Header{"Grpc-Timeout": {"2M"}}, 2 * time.Minute},
		"Connect":      {http.Header{"Connect-Timeout-Ms": {"1500"}}, 1500 * time.Millisecond},
		"nonsense":     {http.Header{"Grpc-Timeout": {"x"}}, 0},
		"no unit":      {http.Header{"Grpc-Timeout": {"12"}}, 0},
		"centuries":    {http.Header{"Grpc-Timeout": {"99999999H"}}, 0},
	}
	for name, tt := range tests {
		if got := (Call{Header: tt.header}).timeout(); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

func mustMarshal(t *testing.T, m proto.Message) []byte {
	t.Helper()
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
