package trace

import (
	"iter"
	"slices"
	"strings"
)

// Field is one header or trailer.
type Field struct {
	// Name is in lower case.
	Name string
	// Value is as on the wire, or [Redacted].
	Value string
}

// Fields is a list of headers or trailers in the observer's order, in which a
// name may come twice.
type Fields []Field

// Get returns the first value of a name, which is compared as it is: in lower
// case.
func (f Fields) Get(name string) (value string, ok bool) {
	for _, field := range f {
		if field.Name == name {
			return field.Value, true
		}
	}
	return "", false
}

// Values are all values of a name.
func (f Fields) Values(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, field := range f {
			if field.Name == name && !yield(field.Value) {
				return
			}
		}
	}
}

// Equal reports whether both have the same fields in the same order.
func (f Fields) Equal(other Fields) bool { return slices.Equal(f, other) }

// lowered is a name in lower case, without an allocation for those that
// net/http spells and that come often.
func lowered(name string) string {
	if low, ok := common[name]; ok {
		return low
	}
	return strings.ToLower(name)
}

var common = func() map[string]string {
	known := map[string]string{}
	for _, name := range []string{
		"Accept", "Accept-Encoding", "Connect-Protocol-Version", "Connect-Timeout-Ms", "Content-Encoding", "Content-Length",
		"Content-Type", "Date", "Grpc-Accept-Encoding", "Grpc-Encoding", "Grpc-Message", "Grpc-Status", "Grpc-Status-Details-Bin",
		"Grpc-Timeout", "Host", "Idempotency-Key", "Retry-After", "Server", "Te", "Trailer", "Traceparent", "User-Agent",
		"X-Client-Trace-Id", "X-Operation-Poll-Interval", "X-Optest-Fault", "X-Optest-Scenario", "X-Optest-Session",
		"X-Optest-Step", "X-Request-Id", "X-Server-Trace-Id",
	} {
		low := strings.ToLower(name)
		known[name], known[low] = low, low
	}
	return known
}()
