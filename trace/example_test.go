package trace_test

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// An observer keeps an event for each call. Its store lets equal answers share
// memory, and its redactor keeps secrets out from the start.
func ExampleWriter() {
	dir, err := os.MkdirTemp("", "trace")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "polls.jsonl.gz")

	start := time.Now()
	w, err := trace.Create(path, &optestv1.TraceHeader{
		Observer: optestv1.TraceHeader_CLIENT, Name: "poller", Start: timestamppb.New(start), Clock: optestv1.TraceHeader_MONOTONIC,
		Sees: []optestv1.TraceHeader_Sight{optestv1.TraceHeader_CONTENT, optestv1.TraceHeader_RAW},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	store, redactor := trace.NewStore(0), trace.NewRedactor("x-my-key")
	caller := &trace.Caller{Reader: "a", Peer: "127.0.0.1:50051", Session: "s"}
	for i := range 3 {
		called := time.Duration(i) * time.Second // in truth, time.Since(start)
		err := w.Write(&trace.Event{
			Called: called, Returned: called + time.Millisecond, Caller: caller,
			Protocol: optestv1.Event_GRPC, Method: "yandex.cloud.operation.OperationService/Get",
			RequestHeader: store.Fields(redactor.Append(nil, "X-My-Key", "hush")),
			Response:      store.Blob([]byte("\n\x03fv4")), ResponseCodec: optestv1.Event_PROTO,
			Outcome: optestv1.Event_OK, Operation: "fv4",
		})
		if err != nil {
			fmt.Println(err)
		}
	}
	if err := w.Close(); err != nil {
		fmt.Println(err)
	}

	r, err := trace.Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	decoder := trace.NewDecoder(nil, nil)
	var before *trace.Event
	for e, err := range r.Events() {
		if err != nil {
			fmt.Println(err)
			return
		}
		key, _ := e.RequestHeader.Get("x-my-key")
		fmt.Println(e, key, before != nil && before.Before(e))
		if _, err := decoder.Response(e); err != nil {
			fmt.Println(err)
		}
		before = e
	}
	// Output:
	// #1 0.000s +1ms a GRPC Operation.Get fv4 OK (redacted) false
	// #2 1.000s +1ms a GRPC Operation.Get fv4 OK (redacted) true
	// #3 2.000s +1ms a GRPC Operation.Get fv4 OK (redacted) true
}
