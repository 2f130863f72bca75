package trace

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"testing"
	"time"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// polled is what a proxy sees of readers that poll a hundred operations. With
// fresh headers each answer has an id of its own, as a real server's has.
func polled(n int, store *Store, fresh bool) []*Event {
	redactor := NewRedactor()
	unary := &Frames{Messages: 1, Trailers: optestv1.Event_Frames_AFTER}
	callers := []*Caller{{"1", "a", "127.0.0.1:50001", ""}, {"2", "b", "127.0.0.1:50002", ""}, {"3", "c", "127.0.0.1:50003", ""}}
	var list Fields
	headers := func(pairs ...string) Fields {
		list = list[:0]
		for i := 0; i < len(pairs); i += 2 {
			list = redactor.Append(list, pairs[i], pairs[i+1])
		}
		return store.Fields(list)
	}
	requestID := "r-0"
	events := make([]*Event, n)
	for i := range events {
		called := time.Duration(i)*time.Millisecond + time.Duration(i*7919%1000)*time.Microsecond
		if fresh {
			requestID = fmt.Sprintf("4bf92f3577b34da6-%016x", i)
		}
		id := fmt.Sprintf("fv4%017d", i%100)
		answer := append(append([]byte("\n\x14"), id...), bytes.Repeat([]byte{0x7f, byte(i % 100)}, 95)...)
		events[i] = &Event{
			Number: uint64(i + 1), Called: called, Returned: called + 800*time.Microsecond, Timeout: 10 * time.Second, Caller: callers[i%3],
			Method: "yandex.cloud.operation.OperationService/Get", Protocol: optestv1.Event_GRPC, HTTPStatus: 200, Frames: unary,
			Outcome: optestv1.Event_OK, Operation: id,
			Request: store.Blob(answer[:22]), RequestCodec: optestv1.Event_PROTO, Response: store.Blob(answer), ResponseCodec: optestv1.Event_PROTO,
			RequestHeader: headers("Authorization", "Bearer abcdefghijkl", "Content-Type", "application/grpc", "Te", "trailers",
				"User-Agent", "yandex-cloud-sdk/2.188.0 grpc-go/1.85.0", "Grpc-Timeout", "9999934u"),
			ResponseHeader: headers("Content-Type", "application/grpc", "Date", "Fri, 20 Nov 2026 12:00:00 GMT", "Server", "envoy",
				"X-Operation-Poll-Interval", "5", "X-Request-Id", requestID),
			Trailer: headers("Grpc-Status", "0"),
		}
	}
	return events
}

const benchmarked = 30_000

func fileOf(b *testing.B, events []*Event, window int) []byte {
	var out bytes.Buffer
	w, err := NewWriter(&out, header())
	if err != nil {
		b.Fatal(err)
	}
	for i, e := range events {
		if err := w.Write(e); err != nil {
			b.Fatal(err)
		}
		if i%window == window-1 {
			if err := w.Flush(); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

var traffic = []struct {
	name   string
	fresh  bool
	window int // events between two calls of Flush
}{
	{"line=run", true, benchmarked},
	{"line=event", true, 1},
	{"line=event,headers=same", false, 1},
}

func BenchmarkWriter(b *testing.B) {
	for _, tt := range traffic {
		b.Run(tt.name, func(b *testing.B) {
			events := polled(benchmarked, NewStore(0), tt.fresh)
			size := len(fileOf(b, events, tt.window))
			w, err := NewWriter(io.Discard, header())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := w.Write(events[i%len(events)]); err != nil {
					b.Fatal(err)
				}
				if i%tt.window == tt.window-1 {
					if err := w.Flush(); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(size)/benchmarked, "file-B/event")
		})
	}
}

func BenchmarkReader(b *testing.B) {
	for _, tt := range traffic {
		b.Run(tt.name, func(b *testing.B) {
			file := fileOf(b, polled(benchmarked, NewStore(0), tt.fresh), tt.window)
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				r, err := NewReader(bytes.NewReader(file), "x")
				if err != nil {
					b.Fatal(err)
				}
				for _, err := range r.Events() {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkCapture is what a poll costs its observer: an event, two known blobs
// and three header lists, redacted.
func BenchmarkCapture(b *testing.B) {
	store, redactor := NewStore(0), NewRedactor()
	e := polled(1, store, false)[0]
	lists := []Fields{e.RequestHeader, e.ResponseHeader, e.Trailer}
	request, response := slices.Clone(e.Request.Bytes()), slices.Clone(e.Response.Bytes())
	var scratch Fields
	var kept *Event
	b.ReportAllocs()
	for b.Loop() {
		var got [3]Fields
		for i, list := range lists {
			scratch = scratch[:0]
			for _, f := range list {
				scratch = redactor.Append(scratch, f.Name, f.Value)
			}
			got[i] = store.Fields(scratch)
		}
		kept = &Event{
			Number: 1, Request: store.Blob(request), Response: store.Blob(response),
			RequestHeader: got[0], ResponseHeader: got[1], Trailer: got[2],
		}
	}
	runtime.KeepAlive(kept)
}

// BenchmarkMemory is what an event keeps in memory, as a struct and as a message.
func BenchmarkMemory(b *testing.B) {
	measure := func(name string, keep func() any) {
		b.Run(name, func(b *testing.B) {
			var before, after runtime.MemStats
			for b.Loop() {
				runtime.GC()
				runtime.ReadMemStats(&before)
				kept := keep()
				runtime.GC()
				runtime.ReadMemStats(&after)
				runtime.KeepAlive(kept)
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/benchmarked, "B/event")
		})
	}
	for _, fresh := range []bool{false, true} {
		name := fmt.Sprintf("headers=%s", map[bool]string{false: "same", true: "fresh"}[fresh])
		measure("event,"+name, func() any { return polled(benchmarked, NewStore(0), fresh) })
		measure("message,"+name, func() any {
			messages := make([]*optestv1.Event, 0, benchmarked)
			for chunk := range slices.Chunk(polled(benchmarked, NewStore(0), fresh), 1000) {
				for _, e := range chunk {
					messages = append(messages, e.Proto())
				}
			}
			return messages
		})
		measure("run,"+name, func() any {
			return slices.Collect(Compress(slices.Values(polled(benchmarked, NewStore(0), fresh))))
		})
	}
}
