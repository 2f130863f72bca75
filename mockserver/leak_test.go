package mockserver

import (
	"context"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
)

// TestMain fails the package when goroutines of a server outlive all tests.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := leftover(); code == 0 && left != "" {
		os.Stderr.WriteString("optest: goroutines left after all servers were closed:\n" + left + "\n")
		code = 1
	}
	os.Exit(code)
}

// leftover is the stacks of goroutines that still run this module's code or
// serve HTTP, once they have had time to end.
func leftover() string {
	deadline := time.Now().Add(5 * time.Second)
	for {
		buf := make([]byte, 1<<20)
		var left []string
		for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(stack, "leftover") {
				continue
			}
			if strings.Contains(stack, "optest/mockserver") || strings.Contains(stack, "net/http.(*conn)") || strings.Contains(stack, "grpc/internal/transport") {
				left = append(left, stack)
			}
		}
		if len(left) == 0 {
			return ""
		}
		if time.Now().After(deadline) {
			return strings.Join(left, "\n\n")
		}
		runtime.Gosched()
	}
}

// A bubble ends only when all its goroutines have: the test would fail.
func TestNothingOutlivesABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t)
		alive(t, s)
		for _, w := range ways(s, s.Client()) {
			if _, err := w.create(t.Context(), &clouddesktop.CopyFromDesktopRequest{DesktopId: "never-done"}); err != nil {
				t.Errorf("%s: %v", w.name, err)
			}
		}
	})
}

func TestCloseUnderLoad(t *testing.T) {
	s, err := Start(Listen("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	started := make(chan struct{}, 64)
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				_, err := copyFromDesktop(ctx, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "instant"})
				if err != nil {
					return
				}
				select {
				case started <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 64 {
		<-started
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	stop()
	wg.Wait()
}

// A client that stays connected does not hold Close up.
func TestCloseWithIdleClients(t *testing.T) {
	s, err := Start(Listen("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}}
	resp, err := client.Get(s.URL() + "/operations/x")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	began := time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > closeGrace/2 {
		t.Errorf("Close took %v with an idle client", took)
	}
	client.CloseIdleConnections()
}
