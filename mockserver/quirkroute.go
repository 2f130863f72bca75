package mockserver

import (
	"context"
	"net/http"
	"strings"

	"github.com/optest-dev/optest/mockserver/internal/rest"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// misroutings take a REST request for another one. They are asked for before
// there is a call, so an operation's scenario has no say in them.
var misroutings = []struct {
	kind     optestv1.QuirkFault_Kind
	mistaken func(*http.Request) bool
	path     func(escaped string) string
}{
	{optestv1.QuirkFault_PATH_UNESCAPED, isEscaped, unescapedTooEarly},
	{optestv1.QuirkFault_CANCEL_BY_HEAD, isHarmlessCancel, unchanged},
	{optestv1.QuirkFault_CANCEL_BY_PREFETCH, isPrefetch, func(path string) string { return path + ":cancel" }},
}

// misrouted is the context key of the quirks that a request was misrouted by.
type misrouted struct{}

// misroute is the request that quirks make of r.
func (s *Server) misroute(r *http.Request) *http.Request {
	ss, err := s.session(r.Header.Get(canonicalSession))
	if err != nil {
		return r // the call will say so
	}
	standard := ss.repertoire.defaultScenario()
	if !ss.quirky(nil, standard) {
		return r
	}
	var shown []*quirk
	for _, m := range misroutings {
		if !m.mistaken(r) {
			continue
		}
		a := asking{kind: m.kind, protocol: rest.ProtocolName, header: r.Header.Get, seed: ss.store.seed}
		if q := ss.ask(a, nil, standard); q != nil {
			shown = append(shown, q)
			r = r.Clone(context.WithValue(r.Context(), misrouted{}, shown))
			r.Method = http.MethodGet
			r.URL.Path, r.URL.RawPath = m.path(r.URL.EscapedPath()), ""
		}
	}
	return r
}

func unchanged(path string) string { return path }

// isEscaped takes no other paths than those that clients escape for REST.
func isEscaped(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.RawPath != "" && r.URL.RawPath != r.URL.Path
}

// unescapedTooEarly looks for the route in a path whose escapes are undone, and
// leaves out what comes after an escaped slash.
func unescapedTooEarly(escaped string) string {
	upper := strings.NewReplacer("%2f", "%2F", "%3a", "%3A").Replace(escaped)
	before, _, _ := strings.Cut(upper, "%2F")
	return strings.ReplaceAll(before, "%3A", ":")
}

// isHarmlessCancel finds the verbs that must have no effect, at the path of
// Cancel.
func isHarmlessCancel(r *http.Request) bool {
	return (r.Method == http.MethodHead || r.Method == http.MethodOptions) && isOperation(r.URL.Path) && strings.HasSuffix(r.URL.Path, ":cancel")
}

// isPrefetch finds what a browser or proxy asks for before anybody has.
func isPrefetch(r *http.Request) bool {
	purpose := r.Header.Get("Sec-Purpose") + r.Header.Get("Purpose")
	return r.Method == http.MethodGet && isOperation(r.URL.Path) && !strings.Contains(r.URL.Path, ":") && strings.Contains(purpose, "prefetch")
}

func isOperation(path string) bool { return strings.HasPrefix(path, "/operations/") }
