package mockserver

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/grpc/metadata"

	"github.com/optest-dev/optest/trace"
)

func TestTraceHoldsEveryCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file bytes.Buffer
		s := New(t, Trace(&file))
		s.Play(Running(30 * time.Second).Succeed())
		ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer secret")
		op, err := copyFromDesktop(ctx, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			time.Sleep(10 * time.Second)
			if _, err := getOperation(metadata.AppendToOutgoingContext(ctx, HeaderSession, ""), s, op.GetId()); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = getOperation(t.Context(), s, "nobody")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(file.String(), "secret") {
			t.Error("the trace holds a token")
		}
		read, err := trace.Read(&file, "trace")
		if err != nil {
			t.Fatal(err)
		}
		if len(read.Events) != 6 {
			t.Fatalf("the trace has %d events, want 6", len(read.Events))
		}
		last := read.Events[4]
		if last.Called != 40*time.Second || last.Operation != op.GetId() || last.Played.Step != "succeed@30s" || last.Response == nil {
			t.Errorf("the last poll is %v, want it at 40s with its response", last)
		}
	})
}

// What can't be written is no reason to answer nobody, and is an error at the end.
func TestTraceThatCantBeWritten(t *testing.T) {
	s, err := Start(Trace(full{}))
	if err == nil {
		alive(t, s)
		err = s.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "no space") {
		t.Errorf("got %v, want the error of the file", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }
