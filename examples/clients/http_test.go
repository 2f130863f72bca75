package clients_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
)

// version is a version of HTTP, with TLS or without.
type version int

const (
	http1 version = iota
	h2c
	http1TLS
	h2TLS
)

func (v version) security() security {
	if v == http1TLS || v == h2TLS {
		return secure
	}
	return plaintext
}

// httpClient speaks that version and no other.
func httpClient(t *testing.T, to target, v version) *http.Client {
	t.Helper()
	protocols := new(http.Protocols)
	switch v {
	case http1, http1TLS:
		protocols.SetHTTP1(true)
	case h2c:
		protocols.SetUnencryptedHTTP2(true)
	case h2TLS:
		protocols.SetHTTP2(true)
	}
	transport := &http.Transport{Protocols: protocols, TLSClientConfig: to.tls()}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// exchange sends one request, with a body of JSON if there is one, and returns
// the status and the body of the answer.
type exchange func(ctx context.Context, method, path string, body []byte) (code int, answer []byte, err error)

// roundTrips exchanges by net/http.
func roundTrips(v version) func(*testing.T, target) exchange {
	return func(t *testing.T, to target) exchange {
		t.Helper()
		c := httpClient(t, to, v)
		return func(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
			req, err := http.NewRequestWithContext(ctx, method, to.url(v.security())+path, bytes.NewReader(body))
			if err != nil {
				return 0, nil, err
			}
			if len(body) > 0 {
				req.Header.Set("Content-Type", "application/json")
			}
			resp, err := c.Do(req)
			if err != nil {
				return 0, nil, err
			}
			defer resp.Body.Close()
			answer, err := io.ReadAll(resp.Body)
			return resp.StatusCode, answer, err
		}
	}
}
