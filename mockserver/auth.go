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
		// What stands where the scheme belongs may be a token without one.
		return connect.NewError(connect.CodeUnauthenticated, "the authorization is not of the scheme Bearer, want Bearer and a token")
	case subtle.ConstantTimeCompare([]byte(got), []byte(s.config.token)) == 0:
		return connect.NewError(connect.CodeUnauthenticated, "the token is invalid")
	}
	return nil
}
