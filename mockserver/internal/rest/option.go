package rest

import (
	"context"
	"fmt"
	"io"
)

// DefaultMaxBody is the largest request body accepted unless [MaxBody] says
// otherwise, in bytes.
const DefaultMaxBody = 4 << 20

// Encoder writes msg, whatever the handler or an interceptor gave to Send, as
// the body of a 200 answer. Its output goes out verbatim.
type Encoder func(ctx context.Context, dst io.Writer, msg any) error

// Option changes a [Handler] from its defaults.
type Option interface {
	apply(*config) error
}

type config struct {
	maxBody int64
	encode  Encoder
}

func defaultConfig() config {
	return config{maxBody: DefaultMaxBody, encode: EncodeJSON}
}

type optionFunc func(*config) error

func (f optionFunc) apply(c *config) error { return f(c) }

// MaxBody bounds the request body, in bytes; it must be positive.
func MaxBody(bytes int64) Option {
	return optionFunc(func(c *config) error {
		if bytes <= 0 {
			return fmt.Errorf("optest: rest body bound %d bytes, want more than 0", bytes)
		}
		c.maxBody = bytes
		return nil
	})
}

// Encode replaces [EncodeJSON] for the bodies of successful answers, for
// example to send bytes that are no message. Errors stay google.rpc.Status.
func Encode(encode Encoder) Option {
	return optionFunc(func(c *config) error {
		if encode == nil {
			return fmt.Errorf("optest: rest encoder nil, want a function such as EncodeJSON")
		}
		c.encode = encode
		return nil
	})
}
