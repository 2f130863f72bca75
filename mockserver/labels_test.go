package mockserver

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/code"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// seen is a transport that keeps the answer's header and trailer.
type seen struct {
	http.RoundTripper
	last *http.Response
}

func (s *seen) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.RoundTripper.RoundTrip(r)
	s.last = resp
	return resp, err
}

func (s *seen) values(name string) []string {
	return slices.Concat(s.last.Header.Values(name), s.last.Trailer.Values(name))
}

// Answers say once what played them, errors as well as messages, over every
// protocol.
func TestLabelsOverEveryProtocol(t *testing.T) {
	s := New(t)
	s.Play(Running(time.Hour).WithFault(&optestv1.Fault{
		Name:   "second",
		On:     optestv1.Fault_GET,
		Every:  2,
		Calls:  &optestv1.Range{From: 2},
		Effect: &optestv1.Fault_Status{Status: &optestv1.StatusFault{Status: &optestv1.Status{Code: code.Code_UNAVAILABLE}}},
	}).Succeed())
	client := s.Client()
	transport := &seen{RoundTripper: client.Transport}
	client.Transport = transport
	for _, w := range ways(s, client) {
		if w.name == "grpc-go" {
			continue // it has a connection of its own
		}
		t.Run(w.name, func(t *testing.T) {
			op, err := w.create(t.Context(), &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
			if err != nil {
				t.Fatal(err)
			}
			for i, fault := range [][]string{nil, {"second"}} {
				if _, err := w.get(t.Context(), op.GetId()); (err != nil) != (i == 1) {
					t.Errorf("get %d ended with %v, want an error in the second only", i+1, err)
				}
				want := map[string][]string{HeaderScenario: {"succeeds"}, HeaderStep: {"created"}, HeaderFault: fault}
				for name, values := range want {
					if diff := cmp.Diff(values, transport.values(name)); diff != "" {
						t.Errorf("%s of get %d (-want +got):\n%s", name, i+1, diff)
					}
				}
			}
		})
	}
}

// A scenario may lie about what plays it.
func TestFaultReplacesALabel(t *testing.T) {
	s := New(t)
	s.Play(Running(time.Hour).WithFault(&optestv1.Fault{
		On:     optestv1.Fault_CREATE,
		Effect: &optestv1.Fault_Headers{Headers: &optestv1.HeaderFault{Set: map[string]string{HeaderStep: "another", HeaderScenario: ""}}},
	}).Succeed())
	client := s.Client()
	transport := &seen{RoundTripper: client.Transport}
	client.Transport = transport
	for range 2 { // the first must not change what the second starts from
		for _, w := range ways(s, client) {
			if w.name != "connect" {
				continue
			}
			if _, err := w.create(t.Context(), &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"}); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]string{"another"}, transport.values(HeaderStep)); diff != "" {
			t.Errorf("step (-want +got):\n%s", diff)
		}
		if got := transport.values(HeaderScenario); len(got) > 0 {
			t.Errorf("scenario %q, want none", got)
		}
	}
}
