package judge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/optest-dev/optest/conformance/internal/httprule"
)

// door is a way in which clients call a server.
type door struct {
	name string
	// call makes a unary call with a header. The error is the server's, or the
	// client's own.
	call  func(ctx context.Context, method string, header map[string]string, request, response proto.Message) error
	close func()
}

// Doors by what clients are made of.
const (
	overGRPCGo = iota
	overConnect
	overConnectJSON
	overGRPCWeb
	overGRPCByConnect
	overREST
	doors // how many there are
)

const base = "http://optest.invalid"

// via is how clients come to a server.
type via struct {
	dial func(context.Context) (net.Conn, error)
	// grpc and web are what watches them.
	grpc []grpc.DialOption
	web  func(http.RoundTripper) http.RoundTripper
}

func (v via) open(kind int) (*door, error) {
	if kind == overGRPCGo {
		return v.grpcGo()
	}
	protocols := new(http.Protocols)
	if kind == overGRPCByConnect || kind == overConnect {
		protocols.SetUnencryptedHTTP2(true)
	} else {
		protocols.SetHTTP1(true)
	}
	transport := &http.Transport{
		Protocols: protocols, DisableCompression: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return v.dial(ctx) },
	}
	var tripper http.RoundTripper = transport
	if v.web != nil {
		tripper = v.web(transport)
	}
	client := &http.Client{Transport: tripper}
	d := &door{close: transport.CloseIdleConnections}
	if kind == overREST {
		d.name, d.call = "REST", rest(client)
		return d, nil
	}
	var options []connecthttp.Option
	switch kind {
	case overConnect:
		d.name = "Connect"
	case overConnectJSON:
		d.name, options = "Connect JSON", []connecthttp.Option{connecthttp.WithProtoJSON()}
	case overGRPCWeb:
		d.name, options = "gRPC-Web", []connecthttp.Option{connecthttp.WithGRPCWeb()}
	case overGRPCByConnect:
		d.name, options = "gRPC by Connect", []connecthttp.Option{connecthttp.WithGRPC()}
	}
	c := connect.NewClient(connecthttp.NewTransport(client, base, options...))
	d.call = func(ctx context.Context, method string, header map[string]string, request, response proto.Message) error {
		desc, err := descriptor(method)
		if err != nil {
			return err
		}
		ctx, info := connect.NewClientContext(ctx)
		for name, value := range header {
			info.RequestHeader().Set(name, value)
		}
		return c.CallUnary(ctx, connect.Spec{StreamType: connect.StreamTypeUnary, Schema: desc, Procedure: "/" + method}, request, response)
	}
	return d, nil
}

func (v via) grpcGo() (*door, error) {
	conn, err := grpc.NewClient("passthrough:///optest.invalid", append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return v.dial(ctx) }),
	}, v.grpc...)...)
	if err != nil {
		return nil, err
	}
	return &door{
		name: "grpc-go", close: func() { _ = conn.Close() }, // which fails only if it was closed
		call: func(ctx context.Context, method string, header map[string]string, request, response proto.Message) error {
			return conn.Invoke(metadata.NewOutgoingContext(ctx, metadata.New(header)), "/"+method, request, response)
		},
	}, nil
}

// rest calls as the methods' annotations say.
func rest(client *http.Client) func(context.Context, string, map[string]string, proto.Message, proto.Message) error {
	return func(ctx context.Context, method string, header map[string]string, request, response proto.Message) error {
		desc, err := descriptor(method)
		if err != nil {
			return err
		}
		verb, target, body, err := httprule.Encode(desc, request)
		if err != nil {
			return err
		}
		r, err := http.NewRequestWithContext(ctx, verb, base+target, bytes.NewReader(body))
		if err != nil {
			return err
		}
		for name, value := range header {
			r.Header.Set(name, value)
		}
		if len(body) > 0 {
			r.Header.Set("Content-Type", "application/json")
		}
		answer, err := client.Do(r)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			return err
		}
		if answer.StatusCode != http.StatusOK {
			var failure struct {
				Code    int
				Message string
			}
			if json.Unmarshal(text, &failure) != nil {
				failure.Code = int(codes.Unknown)
			}
			return status.Error(codes.Code(failure.Code), failure.Message)
		}
		return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(text, response)
	}
}

func descriptor(method string) (protoreflect.MethodDescriptor, error) {
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(strings.Replace(method, "/", ".", 1)))
	if err != nil {
		return nil, err
	}
	m, ok := d.(protoreflect.MethodDescriptor)
	if !ok {
		return nil, errors.New(method + " is no method")
	}
	return m, nil
}

// codeOf is the code of an error that a call has ended with.
func codeOf(err error) codes.Code {
	var local *url.Error
	var byConnect *connect.Error
	switch {
	case err == nil:
		return codes.OK
	case errors.As(err, &byConnect):
		return codes.Code(byConnect.Code())
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	case errors.As(err, &local):
		return codes.Unavailable
	}
	return status.Code(err)
}
