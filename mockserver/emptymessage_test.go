package mockserver

import (
	"net/http"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/endpoint"
)

// A message without fields may have no bytes at all. It is a request all the
// same, where the journal has none for bytes that can't be decoded.
func TestJournalHoldsEmptyMessages(t *testing.T) {
	const list = "/yandex.cloud.endpoint.ApiEndpointService/List"
	for contentType, body := range map[string][]byte{
		"application/proto":         {},
		"application/json":          []byte("{}"),
		"application/grpc":          framed(nil),
		"application/grpc+json":     framed(nil),
		"application/grpc-web+json": framed([]byte("{}")),
	} {
		t.Run(contentType, func(t *testing.T) {
			s := New(t)
			post(t, s, http.MethodPost, list, contentType, body)
			calls := s.Calls()
			if len(calls) != 1 {
				t.Fatalf("%d calls, want 1", len(calls))
			}
			if _, ok := calls[0].Request.(*endpoint.ListApiEndpointsRequest); !ok || calls[0].RequestBytes == nil || calls[0].Response == nil {
				t.Errorf("the journal has %T, bytes %q, want an empty request", calls[0].Request, calls[0].RequestBytes)
			}
		})
	}
	s := New(t)
	post(t, s, http.MethodPost, list, "application/json", nil)
	if c := s.Calls()[0]; c.Request != nil {
		t.Errorf("a body that is not JSON is the request %v", c.Request)
	}
}
