package breakage_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"

	"github.com/optest-dev/optest/mockserver/internal/wire"
)

// TestServerResetsAStreamPastItsDeadline holds net/http's server to what the package stands on, without the package. If a new version of
// Go fails here, look at what its ResponseWriter for HTTP/2 does in SetWriteDeadline.
func TestServerResetsAStreamPastItsDeadline(t *testing.T) {
	s := newStage(t)
	pipe, server := wire.NewPipe(), s.server()
	server.ConnContext = nil
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != restPath+"x" {
			return
		}
		if _, err := w.Write([]byte("0123456789")); err != nil {
			t.Error(err)
		}
		control := http.NewResponseController(w)
		if err := errors.Join(control.Flush(), control.SetWriteDeadline(time.Unix(1, 0))); err != nil {
			t.Error(err)
		}
	})
	serve(t, server, pipe)
	c := network{dial: pipe.Dial}.raw(t)
	c.open(1, restPath+"x", "application/json")
	want := told("HEADERS 200", "DATA 10", "RST_STREAM INTERNAL_ERROR", "alive")
	if got := c.watch(1, want); !slices.Equal(got, want) {
		t.Errorf("the client sees %q, want %q", got, want)
	}
	c.open(3, restPath+"y", "application/json")
	want = told("HEADERS 200 content-length=0 END", "RST_STREAM NO_ERROR", "alive") // the request's body was not read
	if got := c.watch(3, want); !slices.Equal(got, want) {
		t.Errorf("on the next stream the client sees %q, want %q", got, want)
	}
}

// TestPanicIsAReset is net/http's own way, with the package between.
func TestPanicIsAReset(t *testing.T) {
	for name, open := range networks {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			n := open(t, s)
			s.plan("x", plan{panics: true, every: true})
			c := n.raw(t)
			c.call(1, "application/grpc+proto", "x")
			want := told("RST_STREAM INTERNAL_ERROR", "alive")
			if got := c.watch(1, want); !slices.Equal(got, want) {
				t.Errorf("the client sees %q, want %q", got, want)
			}
			if got, want := n.exchange(t, restRequest("x"), ""), "nothing, FIN"; got != want {
				t.Errorf("over HTTP/1: %s, want %s", got, want)
			}
		})
	}
}

// TestRequestsKnowTheirTLS although net/http does not.
func TestRequestsKnowTheirTLS(t *testing.T) {
	for name, open := range networks {
		for _, version := range []int{1, 2} {
			s := newStage(t)
			s.wrap = func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.TLS != nil {
						_, _ = io.WriteString(w, tls.VersionName(r.TLS.Version))
					}
				})
			}
			client, url := open(t, s).httpClient(t, version)
			response, err := client.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(response.Body)
			want := ""
			if name == "TLS" {
				want = "TLS 1.3"
			}
			if err != nil || string(got) != want || response.ProtoMajor != version {
				t.Errorf("%s, HTTP/%d: the handler sees %q over %s, want %q", name, version, got, response.Proto, want)
			}
		}
	}
}

// TestGracefulGoAwayClosesTheConnection when its streams have ended, as net/http does: a second later.
func TestGracefulGoAwayClosesTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.plan("x", plan{faults: faults(optestv1.TransportFault_GOAWAY_GRACEFUL)})
		c := inMemory(t, s).raw(t)
		c.call(5, "application/grpc+proto", "x")
		if got := c.watch(5, nil); !slices.Contains(got, goAwayGracefully) {
			t.Errorf("the client sees %q", got)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := s.connections(); got != 0 {
			t.Errorf("the server has %d connections, want none", got)
		}
	})
}
