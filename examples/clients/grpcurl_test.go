package clients_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/fullstorydev/grpcurl"
	"github.com/jhump/protoreflect/grpcreflect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// openGRPCurl is what the command grpcurl does, which has no descriptors but
// those that the server's reflection gives it.
func openGRPCurl(s security) func(*testing.T, target) client {
	return func(t *testing.T, to target) client {
		t.Helper()
		conn, source := reflected(t, to, s)
		return jsonClient{func(ctx context.Context, procedure string, request []byte) ([]byte, error) {
			var out bytes.Buffer
			parser, formatter, err := grpcurl.RequestParserAndFormatter(
				grpcurl.FormatJSON, source, bytes.NewReader(request), grpcurl.FormatOptions{})
			if err != nil {
				return nil, err
			}
			events := &grpcurl.DefaultEventHandler{Out: &out, Formatter: formatter}
			err = grpcurl.InvokeRPC(ctx, source, conn, strings.TrimPrefix(procedure, "/"), nil, events, parser.Next)
			if err != nil {
				return nil, err
			}
			return out.Bytes(), events.Status.Err()
		}}
	}
}

func reflected(t *testing.T, to target, s security) (*grpc.ClientConn, grpcurl.DescriptorSource) {
	t.Helper()
	var creds credentials.TransportCredentials
	if s == secure {
		config, err := grpcurl.ClientTLSConfig(false, to.rootFile, "", "")
		if err != nil {
			t.Fatal(err)
		}
		creds = credentials.NewTLS(config)
	}
	conn, err := grpcurl.BlockingDial(t.Context(), "tcp", to.addr, creds)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, conn) })
	reflection := grpcreflect.NewClientAuto(t.Context(), conn)
	t.Cleanup(reflection.Reset)
	return conn, grpcurl.DescriptorSourceFromServer(t.Context(), reflection)
}

// TestGRPCurlLists is `grpcurl HOST list`.
func TestGRPCurlLists(t *testing.T) {
	_, source := reflected(t, targetOf(t, newServer(t)), plaintext)
	services, err := grpcurl.ListServices(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"grpc.health.v1.Health",
		"yandex.cloud.clouddesktop.v1.api.DesktopImageService",
		"yandex.cloud.endpoint.ApiEndpointService",
		"yandex.cloud.iam.v1.IamTokenService",
		"yandex.cloud.operation.OperationService",
	} {
		if !slices.Contains(services, want) {
			t.Errorf("the services are %q, want %q among them", services, want)
		}
	}
}

// TestGRPCurlDescribes is `grpcurl HOST describe SYMBOL`, options included.
func TestGRPCurlDescribes(t *testing.T) {
	_, source := reflected(t, targetOf(t, newServer(t)), plaintext)
	for symbol, wants := range map[string][]string{
		"yandex.cloud.clouddesktop.v1.api.DesktopImageService.CopyFromDesktop": {
			"rpc CopyFromDesktop ( .yandex.cloud.clouddesktop.v1.api.CopyFromDesktopRequest ) returns ( .yandex.cloud.operation.Operation )",
			`"/cloud-desktop/v1/images:copyFromDesktop"`,
			`metadata: "CopyFromDesktopMetadata"`,
			`response: "DesktopImage"`,
		},
		"yandex.cloud.clouddesktop.v1.api.CopyFromDesktopRequest": {
			"string desktop_id = 8",
			"(.yandex.cloud.required) = true",
		},
		"yandex.cloud.operation.Operation": {
			"oneof result",
			".google.rpc.Status error = 8",
			".google.protobuf.Any response = 9",
		},
	} {
		t.Run(symbol, func(t *testing.T) {
			found, err := source.FindSymbol(symbol)
			if err != nil {
				t.Fatal(err)
			}
			text, err := grpcurl.GetDescriptorText(found, source)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range wants {
				if !strings.Contains(text, want) {
					t.Errorf("the description is\n%s\nwant %q in it", text, want)
				}
			}
		})
	}
}
