package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/proxy"
)

// service is a server of gRPC that keeps nothing: what an operation is follows from
// its id.
type service struct {
	began time.Time
	made  atomic.Int64
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err != nil || len(body) < 5 {
		panic(http.ErrAbortHandler)
	}
	var op *operation.Operation
	if strings.HasSuffix(r.URL.Path, "/CopyFromDesktop") {
		op = s.operation(s.made.Add(1), false)
	} else {
		request := new(operation.GetOperationRequest)
		var n int64
		if err := proto.Unmarshal(body[5:], request); err != nil {
			panic(http.ErrAbortHandler)
		}
		if _, err := fmt.Sscanf(request.GetOperationId(), "fv4%d", &n); err != nil {
			panic(http.ErrAbortHandler)
		}
		op = s.operation(n, true)
	}
	raw, err := proto.Marshal(op)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status")
	_, _ = w.Write(framed(raw)) // the client may be gone
	w.Header().Set("Grpc-Status", "0")
}

func (s *service) operation(n int64, done bool) *operation.Operation {
	created := s.began.Add(time.Duration(n) * time.Microsecond)
	op := &operation.Operation{
		Id: fmt.Sprintf("fv4%017d", n), Description: "Copy an image from a desktop", CreatedBy: "aje0bench0caller0000",
		CreatedAt: timestamppb.New(created), ModifiedAt: timestamppb.New(created),
		Metadata: packed(&clouddesktop.CopyFromDesktopMetadata{ImageId: fmt.Sprintf("fdv%017d", n)}),
	}
	if done {
		op.Done, op.ModifiedAt = true, timestamppb.New(created.Add(time.Microsecond))
		op.Result = &operation.Operation_Response{Response: packed(&clouddesktop.DesktopImage{
			Id: fmt.Sprintf("fdv%017d", n), FolderId: "b1gbench", CreatedAt: timestamppb.New(created), Name: "image", Status: clouddesktop.DesktopImage_ACTIVE, StorageSize: 10 << 30, MinDiskSize: 64 << 30,
		})}
	}
	return op
}

func framed(message []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
}

// soak is the memory of a process with a proxy that many operations have passed.
func soak(ctx context.Context, s scale) ([]row, error) {
	address, stop, err := serve(&service{began: time.Now()})
	if err != nil {
		return nil, err
	}
	defer stop()
	p, err := proxy.Start("http://"+address, proxy.OnlyDoor(), proxy.With(conformance.Strong()))
	if err != nil {
		return nil, err
	}
	// As optest proxy has it.
	defer debug.SetGCPercent(debug.SetGCPercent(70))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(144 << 20))
	began := time.Now()
	err = operations(ctx, p.URL(), s.Soak)
	took := time.Since(began)
	if err = errors.Join(err, p.Close()); err != nil {
		return nil, err
	}
	report, err := p.Report()
	if err != nil {
		return nil, err
	}
	calls := 3 * s.Soak
	how := fmt.Sprintf("%s operations of a create and two polls each through a proxy that holds all rules against them, over gRPC by %d connections; "+
		"server and clients are in the same process, whose VmRSS it is. It took %.0f s: %s calls a second.", grouped(s.Soak), soakers, took.Seconds(), grouped(int(float64(calls)/took.Seconds())))
	now, peak, err := resident()
	if err != nil {
		return nil, err // this system has no proc(5)
	}
	if got := int(report.Proto().GetCounts().GetEvents()); got != calls {
		return nil, fmt.Errorf("%d calls were seen, want %d", got, calls)
	}
	return []row{
		{fmt.Sprintf("resident memory after %s operations through a proxy", grouped(s.Soak)), now, "MB", &want{atMost, 200}, how},
		{"  the highest that it was", peak, "MB", nil, how},
	}, clean(report)
}

func serve(h http.Handler) (address string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: h, Protocols: protocols, ReadHeaderTimeout: time.Minute}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // until it is closed
	}()
	return listener.Addr().String(), func() {
		_ = server.Close()
		<-served
	}, nil
}

const soakers = 4

// operations makes so many operations and polls each twice.
func operations(ctx context.Context, url string, n int) error {
	var all sync.WaitGroup
	failures := make([]error, soakers)
	for i := range soakers {
		all.Go(func() {
			protocols := new(http.Protocols)
			protocols.SetUnencryptedHTTP2(true)
			transport := &http.Transport{Protocols: protocols, DisableCompression: true}
			defer transport.CloseIdleConnections()
			c := caller{transport, url}
			for k := i; k < n && failures[i] == nil; k += soakers {
				failures[i] = c.operation(ctx)
			}
		})
	}
	all.Wait()
	return errors.Join(failures...)
}

type caller struct {
	transport http.RoundTripper
	url       string
}

func (c caller) operation(ctx context.Context) error {
	op := new(operation.Operation)
	if err := c.call(ctx, createMethod, &clouddesktop.CopyFromDesktopRequest{FolderId: "b1gbench", Name: "image", DesktopId: "desktop"}, op); err != nil {
		return err
	}
	for range 2 {
		if err := c.call(ctx, getMethod, &operation.GetOperationRequest{OperationId: op.GetId()}, new(operation.Operation)); err != nil {
			return err
		}
	}
	return nil
}

func (c caller) call(ctx context.Context, method string, request, response proto.Message) error {
	raw, err := proto.Marshal(request)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/"+method, bytes.NewReader(framed(raw)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Te", "trailers")
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if status := resp.Trailer.Get("Grpc-Status"); status != "0" || len(body) < 5 {
		return fmt.Errorf("call of %s ended with HTTP %d and grpc-status %q", method, resp.StatusCode, status)
	}
	return proto.Unmarshal(body[5:], response)
}
