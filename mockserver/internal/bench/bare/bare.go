// Package bare is what the mock is measured against: a Connect server on net/http whose handlers decode the request and return a
// constant. It does no more than any server with these methods must.
package bare

import (
	"context"
	"net/http"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// NewServer serves CopyFromDesktop and OperationService.Get over gRPC, gRPC-Web and Connect, HTTP/1 and HTTP/2, in plaintext.
func NewServer() (*http.Server, error) {
	answer, err := constant()
	if err != nil {
		return nil, err
	}
	rpc := connect.NewServer()
	rpc.Register(
		method(clouddesktop.DesktopImageService_CopyFromDesktop_FullMethodName, answer,
			func() proto.Message { return new(clouddesktop.CopyFromDesktopRequest) }),
		method(operation.OperationService_Get_FullMethodName, answer,
			func() proto.Message { return new(operation.GetOperationRequest) }),
	)
	mux := http.NewServeMux()
	connecthttp.Mount(mux, rpc)
	server := &http.Server{Handler: mux, Protocols: new(http.Protocols), ReadHeaderTimeout: 10 * time.Second}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	return server, nil
}

func method(procedure string, answer *operation.Operation, request func() proto.Message) connect.Method {
	return connect.Method{
		Spec: connect.Spec{StreamType: connect.StreamTypeUnary, Procedure: procedure},
		Handler: func(_ context.Context, _ connect.Spec, stream connect.ServerStream) error {
			if err := stream.Receive(request()); err != nil {
				return err
			}
			return stream.Send(answer)
		},
	}
}

// constant has the fields, and about the size, of what the mock answers while an operation runs.
func constant() (*operation.Operation, error) {
	metadata, err := anypb.New(&clouddesktop.CopyFromDesktopMetadata{ImageId: "img00000000000000001"})
	if err != nil {
		return nil, err
	}
	at := timestamppb.New(time.Date(2026, time.January, 2, 3, 4, 5, 678_901_234, time.UTC))
	return &operation.Operation{
		Id:          "opr00000000000000001",
		Description: "Copy from desktop",
		CreatedAt:   at,
		CreatedBy:   "ajebareuser000000000",
		ModifiedAt:  at,
		Metadata:    metadata,
	}, nil
}
