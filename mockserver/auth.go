package mockserver

import (
	"crypto/subtle"
	"strings"

	"connectrpc.com/connect/v2"
)

// authenticate holds the call's bearer token against the required one. The
// error names neither.
func (s *Server) authenticate(c *call) error {
	if s.config.token == "" {
		return nil
	}
	scheme, got, _ := strings.Cut(c.header("Authorization"), " ")
	switch {
	case scheme == "" && got == "":
		return connect.NewError(connect.CodeUnauthenticated, "no token: want the header authorization with Bearer and a token")
	case !strings.EqualFold(scheme, "Bearer"):
		return connect.NewError(connect.CodeUnauthenticated, "authorization scheme "+quoted(scheme)+", want Bearer")
	case subtle.ConstantTimeCompare([]byte(got), []byte(s.config.token)) == 0:
		return connect.NewError(connect.CodeUnauthenticated, "the token is invalid")
	}
	return nil
}
