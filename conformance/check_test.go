package conformance_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/internal/exampleserver"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func TestBudgetHolds(t *testing.T) {
	for _, budget := range []conformance.Budget{
		{Rate: 2, Creates: 1, Requests: 1000, Time: time.Hour},
		{Rate: 2, Creates: 6, Requests: 300, Time: time.Hour},
		{Rate: 50, Creates: 12, Requests: 5000, Time: 3 * time.Minute},
	} {
		t.Run(fmt.Sprint(budget), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dial := overGRPC(t, serving(&exampleserver.Server{}))
				began := time.Now()
				r, err := conformance.Check(t.Context(), conformance.Target{
					Dial: dial, Folder: "b1gexample0000000000",
					Desktops: conformance.Desktops{Succeeds: exampleserver.Works, Fails: exampleserver.Breaks, FailsLate: exampleserver.BreaksLater, Absent: "none"},
				}, conformance.Within(budget))
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%v: %d requests, %d images, %v", r, r.Used.Requests, r.Used.Creates, r.Used.Elapsed)
				healthy(t, r)
				if r.Used.Creates > budget.Creates {
					t.Errorf("images %d, want at most %d", r.Used.Creates, budget.Creates)
				}
				made := map[string]bool{}
				for _, e := range r.Events {
					m := new(operation.Operation)
					if strings.HasSuffix(e.Method, "/CopyFromDesktop") && e.Outcome == optestv1.Event_OK && proto.Unmarshal(e.Response.Bytes(), m) == nil {
						made[m.GetId()] = true
					}
				}
				if len(made) > budget.Creates {
					t.Errorf("operations %d, want at most %d", len(made), budget.Creates)
				}
				const cleanup = 60 // each image, and looking for it
				if n := len(r.Events); n > budget.Requests+cleanup {
					t.Errorf("requests %d, want at most %d", n, budget.Requests)
				}
				if rate := float64(len(r.Events)) / time.Since(began).Seconds(); rate > budget.Rate*1.1+1 {
					t.Errorf("requests a second %.1f, want at most %.1f", rate, budget.Rate)
				}
				if r.Verdict == conformance.Conformant {
					t.Errorf("verdict %v, want another: much was left out", r.Verdict)
				}
			})
		})
	}
}

func TestVendorsCloudIsNotSpokenTo(t *testing.T) {
	for _, test := range []struct {
		url    string
		folder string
		opts   []conformance.Option
		want   string
	}{
		{"https://clouddesktop.api.cloud.yandex.net", "", nil, "no Folder"},
		{"https://api.cloud.yandex.net:443", "b1g", nil, "OwnFolder"},
		{"https://anything.yandexcloud.net", "", []conformance.Option{conformance.OwnFolder()}, "no Folder"},
		{"https://YANDEXCLOUD.NET.", "b1g", nil, "OwnFolder"},
		{"ftp://localhost", "", nil, "scheme and host only"},
		{"http://user:secret@localhost", "", nil, "scheme and host only"},
		{"http://localhost/api", "", nil, "scheme and host only"},
		{"", "", nil, "scheme and host only"},
		{"http://localhost", "", []conformance.Option{conformance.Protocols("soap")}, "protocol"},
		{"http://localhost", "", []conformance.Option{conformance.Protocols()}, "no protocol"},
		{"http://localhost", "", []conformance.Option{conformance.Contract("rumour")}, "contract"},
		{"http://localhost", "", []conformance.Option{conformance.Rules("NONE-*")}, "matches none"},
		{"http://localhost", "", []conformance.Option{conformance.Rules("[")}, "syntax error"},
		{"http://localhost", "", []conformance.Option{conformance.Eventual(-1)}, "window"},
	} {
		r, err := conformance.Check(t.Context(), conformance.Target{URL: test.url, Folder: test.folder}, test.opts...)
		if r != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Check(%q) = %v, %v; want an error with %q", test.url, r, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("error %q, want no password in it", err)
		}
	}
}
