package main

import (
	"bufio"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/optest-dev/optest/mockserver"
)

func TestFill(t *testing.T) {
	address := mock(t)
	const n = 103 // which the connections can't share evenly
	ids, err := fill(t.Context(), address, n)
	if err != nil || len(ids) != n {
		t.Fatalf("got %d ids and %v, want %d", len(ids), err, n)
	}
	c, err := dial(address, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	seen := map[string]bool{}
	for _, id := range ids {
		if seen[id] {
			t.Fatalf("id %q came twice", id)
		}
		seen[id] = true
		if err := get(id)(t.Context(), c[0]); err != nil {
			t.Fatal(err)
		}
	}
	if err := anyOf(ids)(t.Context(), c[0]); err != nil {
		t.Error(err)
	}
}

func TestFillRefused(t *testing.T) {
	if _, err := fill(t.Context(), mock(t, mockserver.MaxOperations(10)), 1_000); err == nil || !strings.Contains(err.Error(), "429") {
		t.Errorf("got %v of a server that holds less, want its answer", err)
	}
}

func TestFillEnds(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := fill(ctx, mock(t), 10); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that of the context", err)
	}
}

func TestReadIDs(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", "EOF"},
		{"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nnever", "503 Service Unavailable, want 200: never"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "EOF"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain", "proto"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "no operation"},
	} {
		err := readIDs(bufio.NewReader(strings.NewReader(tt.in)), make([]string, 1))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want an error with %q", tt.in, err, tt.want)
		}
	}
}

// mock is the address of one that the test owns.
func mock(t *testing.T, options ...mockserver.Option) string {
	t.Helper()
	addresses, stop, err := listenMocks(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return addresses[0]
}
