package drive

import (
	"slices"
	"strings"
	"testing"
)

func TestJudge(t *testing.T) {
	for _, test := range []struct {
		name    string
		results map[Protocol][]probed
		served  []Protocol
		missing []Protocol
		unfit   string

		connected bool
	}{
		{
			name: "all well", results: map[Protocol][]probed{GRPC: {{answers, ""}, {answers, ""}}, REST: {{answers, ""}, {answers, ""}}},
			served: []Protocol{GRPC, REST},
		},
		{
			name: "no REST", results: map[Protocol][]probed{GRPC: {{answers, ""}}, REST: {{otherwise, "HTTP 404"}, {otherwise, "HTTP 404"}}},
			served: []Protocol{GRPC}, missing: []Protocol{REST},
		},
		{
			name: "HTTP/2 only", results: map[Protocol][]probed{GRPC: {{answers, ""}}, REST: {{disconnected, "EOF"}, {unreachable, "refused"}}},
			served: []Protocol{GRPC}, missing: []Protocol{REST},
		},
		{
			// What is broken over one protocol is what the server is judged by.
			name: "pages over REST", results: map[Protocol][]probed{GRPC: {{answers, ""}}, REST: {{page, "HTML"}, {page, "HTML"}}},
			served: []Protocol{GRPC, REST},
		},
		{
			name: "silence over REST", results: map[Protocol][]probed{GRPC: {{answers, ""}}, REST: {{silence, ""}}},
			served: []Protocol{GRPC, REST},
		},
		{
			name: "errors only are broken", results: map[Protocol][]probed{GRPC: {{broken, ""}, {answers, ""}}, REST: {{page, ""}, {answers, ""}}},
			served: []Protocol{GRPC, REST},
		},
		{name: "a token", results: map[Protocol][]probed{GRPC: {{stranger, "who are you"}}, REST: {{page, ""}}}, unfit: "wants a token"},
		{name: "pages", results: map[Protocol][]probed{GRPC: {{page, "HTTP 200"}}, REST: {{otherwise, ""}}}, unfit: "pages"},
		{name: "another service", results: map[Protocol][]probed{GRPC: {{without, "unknown service"}}, REST: {{otherwise, ""}}}, unfit: "of another service"},
		{name: "garbage", results: map[Protocol][]probed{GRPC: {{broken, "HTTP 500"}}, REST: {{broken, ""}}}, unfit: "no answer of the API"},
		{name: "hangs", results: map[Protocol][]probed{GRPC: {{silence, "10s"}}, REST: {{silence, ""}}}, unfit: "hangs"},
		{name: "nobody", results: map[Protocol][]probed{GRPC: {{unreachable, "refused"}}, REST: {{unreachable, ""}}}, unfit: "there is no server"},
		{name: "a bad certificate", results: map[Protocol][]probed{GRPC: {{unreachable, "x509"}}, REST: {{unreachable, "x509"}}}, connected: true, unfit: "none of them can be used (grpc: x509)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := judge(Plan{Protocols: []Protocol{GRPC, REST}}, test.results, test.connected)
			var missing []Protocol
			for _, m := range found.Missing {
				missing = append(missing, m.Protocol)
			}
			if test.unfit != "" {
				if !strings.Contains(found.Unfit, test.unfit) || len(found.Served) > 0 {
					t.Errorf("found %+v, want it unfit because %q", found, test.unfit)
				}
				return
			}
			if found.Unfit != "" || !slices.Equal(found.Served, test.served) || !slices.Equal(missing, test.missing) {
				t.Errorf("found %+v, want %v served and %v missing", found, test.served, test.missing)
			}
		})
	}
	if found := judge(Plan{}, nil, false); found.Unfit == "" {
		t.Error("found fit without a protocol, want it unfit")
	}
}
