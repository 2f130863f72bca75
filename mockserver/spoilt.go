package mockserver

import (
	"context"
	"io"

	"github.com/optest-dev/optest/mockserver/internal/rest"
)

// spoilt is an answer that no message can hold: its bytes, in both encodings.
type spoilt struct{ binary, json []byte }

// encodeREST is rest.EncodeJSON, except for a spoilt answer.
func encodeREST(ctx context.Context, dst io.Writer, message any) error {
	if s, ok := message.(*spoilt); ok {
		_, err := dst.Write(s.json)
		return err
	}
	return rest.EncodeJSON(ctx, dst, message)
}
