package honest

import (
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// overGRPC is a server of grpc-go. It knows no services, only methods: all of them
// are handled alike.
func (c *Core) overGRPC() *grpc.Server {
	return grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		name, _ := grpc.MethodFromServerStream(stream)
		name = strings.TrimPrefix(name, "/")
		request, ok := requests[name]
		if !ok {
			return status.Errorf(codes.Unimplemented, "There is no method %s", name)
		}
		call := &Call{Method: name, Request: request(), Conn: connOf(stream.Context()), Reply: map[string]string{}}
		call.Header = func(field string) string {
			values := metadata.ValueFromIncomingContext(stream.Context(), field)
			if len(values) == 0 {
				return ""
			}
			return values[0]
		}
		if err := stream.RecvMsg(call.Request); err != nil {
			return err
		}
		response, err := c.serve(stream.Context(), call)
		if len(call.Reply) > 0 {
			if err := stream.SetHeader(metadata.New(call.Reply)); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		return stream.SendMsg(response)
	}))
}
