package judge

import (
	"io"
	"net/http"
	"sync/atomic"
)

// gatewayPage is what something in front of a server answers in its place.
type gatewayPage struct {
	status     int
	kind, text string
}

// gatewayPages are such as load balancers and gateways have them.
var gatewayPages = []gatewayPage{
	{http.StatusServiceUnavailable, "text/html", "<html><head><title>503 Service Temporarily Unavailable</title></head></html>"},
	{http.StatusServiceUnavailable, "text/plain", "upstream connect error or disconnect/reset before headers"},
	{http.StatusServiceUnavailable, "application/json", `{"message":"no healthy upstream"}`},
	{http.StatusServiceUnavailable, "application/json; charset=utf-8", `{"error":{"code":503,"status":"UNAVAILABLE"}}`},
	{http.StatusBadGateway, "text/html", "<html><head><title>502 Bad Gateway</title></head></html>"},
	{http.StatusBadGateway, "application/json", `{"message":"An invalid response was received from the upstream server"}`},
	{http.StatusGatewayTimeout, "text/html", "<html><head><title>504 Gateway Time-out</title></head></html>"},
	{http.StatusGatewayTimeout, "text/plain", "upstream request timeout"},
	{http.StatusGatewayTimeout, "application/json", `{"message":"Endpoint request timed out"}`},
	{http.StatusTooManyRequests, "", ""},
	{http.StatusTooManyRequests, "application/json", `{"message":"Too Many Requests"}`},
	{http.StatusRequestTimeout, "text/plain", "408 Request Timeout"},
	{http.StatusServiceUnavailable, "", ""},
}

// gateway answers one call in fifteen itself, at times after the server has carried
// it out.
func gateway(server http.Handler) http.Handler {
	const seldom = 15
	var calls atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := calls.Add(1)
		if n%seldom != 0 {
			server.ServeHTTP(w, r)
			return
		}
		if n%2 == 0 {
			server.ServeHTTP(&unheard{header: http.Header{}}, r)
		}
		p := gatewayPages[int(n/seldom)%len(gatewayPages)]
		if p.kind != "" {
			w.Header().Set("Content-Type", p.kind)
		}
		w.WriteHeader(p.status)
		_, _ = io.WriteString(w, p.text) // the client may be gone
	})
}

// unheard takes an answer that nobody gets.
type unheard struct{ header http.Header }

func (u *unheard) Header() http.Header         { return u.header }
func (u *unheard) Write(p []byte) (int, error) { return len(p), nil }
func (u *unheard) WriteHeader(int)             {}
func (u *unheard) Flush()                      {}
