package mock

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/optest-dev/optest/mockserver"
)

// probeLimit bounds how long a server may take to answer for the first time.
const probeLimit = 10 * time.Second

// Probe asks the server for its health the way a client would: over its port,
// with the Connect protocol. Nil: it serves.
func Probe(ctx context.Context, srv *mockserver.Server) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, URL(srv)+"/grpc.health.v1.Health/Check", strings.NewReader("{}"))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	// No proxy of the environment has a part in this, and no connection is left.
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("the server does not answer: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), `"SERVING"`) {
		return fmt.Errorf("the server's health is %q with HTTP status %d, want SERVING", body, res.StatusCode)
	}
	return nil
}
