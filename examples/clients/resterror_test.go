package clients_test

import (
	"net/http"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TestRESTErrors holds that every failure over REST is a bare google.rpc.Status
// under the HTTP status that its code maps to.
func TestRESTErrors(t *testing.T) {
	send := roundTrips(http1)(t, targetOf(t, newServer(t)))
	const create = "/cloud-desktop/v1/images:copyFromDesktop"
	for _, tt := range []struct {
		name, method, path, body string
		http                     int
		code                     codes.Code
	}{
		{"no such operation", http.MethodGet, "/operations/nowhere", "", http.StatusNotFound, codes.NotFound},
		{"no such image", http.MethodGet, "/cloud-desktop/v1/images/nowhere", "", http.StatusNotFound, codes.NotFound},
		{"no such path", http.MethodGet, "/nowhere", "", http.StatusNotFound, codes.NotFound},
		{"required field missing", http.MethodPost, create, `{"name": "golden"}`, http.StatusBadRequest, codes.InvalidArgument},
		{"unknown field", http.MethodPost, create, `{"desktop": "d"}`, http.StatusBadRequest, codes.InvalidArgument},
		{"no JSON", http.MethodPost, create, `{`, http.StatusBadRequest, codes.InvalidArgument},
		{"no scenario", http.MethodPost, create, `{"desktopId": "d"}`, http.StatusBadRequest, codes.FailedPrecondition},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, body, err := send(t.Context(), tt.method, tt.path, []byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.http {
				t.Errorf("the HTTP status is %d, want %d", got, tt.http)
			}
			if err := restError(body); status.Code(err) != tt.code {
				t.Errorf("the body is %s, want a google.rpc.Status with the code %v", body, tt.code)
			}
		})
	}
}
