package trace

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc"
	"google.golang.org/grpc/binarylog"
	binlogpb "google.golang.org/grpc/binarylog/grpc_binarylog_v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// logFile names the file that a child process logs its calls to.
const logFile = "OPTEST_TEST_BINARY_LOG"

func TestMain(m *testing.M) {
	if path := os.Getenv(logFile); path != "" {
		if err := logCalls(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// What grpc-go logs of real calls is read. It decides at its start what it logs,
// so a process of its own makes the calls.
func TestLogOfGRPC(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), logFile+"="+path, "GRPC_BINARY_LOG_FILTER=*")
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	traces, err := Load(path, NewRedactor("x-mine"))
	if err != nil {
		t.Fatal(err)
	}
	if len(traces) != 2 {
		t.Fatalf("got %d traces, want the client's and the server's", len(traces))
	}
	d := NewDecoder(nil, nil)
	for _, tr := range traces {
		kind := tr.Header.GetObserver()
		if len(tr.Events) != 3 || len(tr.Gaps) != 0 {
			t.Fatalf("%s: got %v and gaps %v, want three events", kind, tr.Events, tr.Gaps)
		}
		byOutcome := map[optestv1.Event_Outcome]*Event{}
		for _, e := range tr.Events {
			if e.Note != "" || e.Method != "yandex.cloud.operation.OperationService/Get" {
				t.Errorf("%s: got %v", kind, e)
			}
			if name, _ := e.RequestHeader.Get("x-mine"); name != Redacted {
				t.Errorf("%s: got header %v, want it redacted", kind, e.RequestHeader)
			}
			byOutcome[e.Outcome] = e
		}
		ok := byOutcome[optestv1.Event_OK]
		if ok == nil {
			t.Fatalf("%s: got %v, want one that is OK", kind, tr.Events)
		}
		response, err := d.Response(ok)
		if err != nil {
			t.Fatal(err)
		}
		if got := response.(*operation.Operation).GetId(); got != "known" {
			t.Errorf("%s: got operation %q", kind, got)
		}
		if hint, _ := ok.ResponseHeader.Get("x-operation-poll-interval"); hint != "5" {
			t.Errorf("%s: got response header %v", kind, ok.ResponseHeader)
		}
		if ok.Peer() == "" || ok.Timeout <= 0 {
			t.Errorf("%s: got peer %q and timeout %v", kind, ok.Peer(), ok.Timeout)
		}
		failed := byOutcome[optestv1.Event_FAILED]
		if failed == nil || failed.Code() != code.Code_NOT_FOUND && kind == optestv1.TraceHeader_CLIENT {
			t.Errorf("%s: got %v, want one that failed", kind, failed)
		}
		if kind == optestv1.TraceHeader_CLIENT {
			if e := byOutcome[optestv1.Event_INDETERMINATE]; e == nil || e.Failure.Cause != optestv1.Event_Failure_CANCELLED {
				t.Errorf("got %v, want the cancelled one", e)
			}
		}
	}
}

// logCalls makes a call that is OK, one that fails and one that is cancelled.
func logCalls(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	binarylog.SetSink(&fileSink{f: f})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	asked := make(chan struct{})
	operation.RegisterOperationServiceServer(server, &lookup{asked: asked})
	go func() { _ = server.Serve(l) }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	client := operation.NewOperationServiceClient(conn)
	ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(context.Background(), "x-mine", "hush"), time.Minute)
	defer cancel()
	if _, err := client.Get(ctx, &operation.GetOperationRequest{OperationId: "known"}); err != nil {
		return err
	}
	if _, err := client.Get(ctx, &operation.GetOperationRequest{OperationId: "unknown"}); status.Code(err) != codes.NotFound {
		return fmt.Errorf("got %w, want NotFound", err)
	}
	givenUp, giveUp := context.WithCancel(ctx)
	go func() { <-asked; giveUp() }()
	if _, err := client.Get(givenUp, &operation.GetOperationRequest{OperationId: "slow"}); status.Code(err) != codes.Canceled {
		return fmt.Errorf("got %w, want Canceled", err)
	}
	if err := conn.Close(); err != nil {
		return err
	}
	server.GracefulStop()
	return f.Close()
}

type lookup struct {
	operation.UnimplementedOperationServiceServer
	asked chan struct{}
}

func (s *lookup) Get(ctx context.Context, r *operation.GetOperationRequest) (*operation.Operation, error) {
	switch r.GetOperationId() {
	case "known":
		return &operation.Operation{Id: "known"}, grpc.SetHeader(ctx, metadata.Pairs("x-operation-poll-interval", "5"))
	case "slow":
		close(s.asked)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, status.Error(codes.NotFound, "no such operation")
}

// fileSink writes entries like grpc-go's own sink, which chooses its file itself.
type fileSink struct {
	mu sync.Mutex
	f  *os.File
}

func (s *fileSink) Write(e *binlogpb.GrpcLogEntry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.f.Write(logOf(e))
	return err
}

func (s *fileSink) Close() error { return nil }
