package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
)

// fill starts n operations and returns their ids. A million by gRPC would take most of a minute, so it is by Connect over HTTP/1, where
// requests that do not wait for the answers before them are one text over and over: the server is busy, the client hardly. What the
// server keeps of an operation does not depend on the protocol.
func fill(ctx context.Context, address string, n int) ([]string, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	request, err := connectRequest(address)
	if err != nil {
		return nil, err
	}
	ids := make([]string, n)
	var work sync.WaitGroup
	for i := range together.conns {
		share := ids[i*n/together.conns : (i+1)*n/together.conns]
		work.Go(func() {
			if err := fillShare(ctx, address, request, share); err != nil {
				stop(err)
			}
		})
	}
	work.Wait()
	return ids, context.Cause(ctx)
}

// connectRequest is all that a CopyFromDesktop is on the wire.
func connectRequest(address string) ([]byte, error) {
	body, err := proto.Marshal(request())
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(http.MethodPost, "http://"+address+clouddesktop.DesktopImageService_CopyFromDesktop_FullMethodName, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/proto")
	var wire bytes.Buffer
	err = r.Write(&wire)
	return wire.Bytes(), err
}

// fillShare starts as many operations as there is room for ids, on one connection.
func fillShare(ctx context.Context, address string, request []byte, ids []string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	written := make(chan error, 1)
	go func() {
		out := bufio.NewWriterSize(conn, 64<<10)
		for range ids {
			if _, err := out.Write(request); err != nil {
				written <- err
				return
			}
		}
		written <- out.Flush()
	}()
	err = readIDs(bufio.NewReaderSize(conn, 64<<10), ids)
	// Where answers were missing, the requests have no end either.
	return errors.Join(err, conn.Close(), <-written)
}

func readIDs(in *bufio.Reader, ids []string) error {
	var body bytes.Buffer
	var op operation.Operation
	for i := range ids {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		body.Reset()
		_, err = body.ReadFrom(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("bench: CopyFromDesktop answered %s, want 200: %s", resp.Status, body.Next(1<<10))
		}
		if err := proto.Unmarshal(body.Bytes(), &op); err != nil {
			return err
		}
		if ids[i] = op.GetId(); ids[i] == "" {
			return errors.New("bench: CopyFromDesktop answered with no operation, want one with an id")
		}
	}
	return nil
}
