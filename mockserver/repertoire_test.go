package mockserver

import (
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// played names the scenario of a call by what its answer's headers say.
func played(t *testing.T, s *Server, req *clouddesktop.CopyFromDesktopRequest, header ...string) string {
	t.Helper()
	var got metadata.MD
	ctx := metadata.AppendToOutgoingContext(t.Context(), header...)
	_, err := copyFromDesktop(ctx, s, req, grpc.Header(&got))
	if status.Code(err) == codes.FailedPrecondition {
		return "none"
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(got.Get(HeaderScenario), ",")
}

func TestChoice(t *testing.T) {
	life := func(name string, m *optestv1.Match) *optestv1.Scenario {
		s := Running(time.Minute).Named(name).Succeed()
		s.Match = m
		return s
	}
	fields := func(name, pattern string) *optestv1.Match {
		return &optestv1.Match{Fields: map[string]string{name: pattern}}
	}
	desktop := func(id string) *clouddesktop.CopyFromDesktopRequest {
		return &clouddesktop.CopyFromDesktopRequest{DesktopId: id, Labels: map[string]string{"team": "build"}}
	}
	tests := []struct {
		name     string
		added    []*optestv1.Scenario
		script   []*optestv1.Scenario
		fallback *optestv1.Scenario
		header   []string
		desktops []string
		want     []string
	}{
		{name: "nothing in play", desktops: []string{"d"}, want: []string{"none"}},
		{name: "the catalogue by name", desktops: []string{"instant"}, want: []string{"instant"}},
		{name: "the default", fallback: life("fallback", nil), desktops: []string{"d"}, want: []string{"fallback"}},
		{name: "a name beats the default", fallback: life("fallback", nil), desktops: []string{"instant"}, want: []string{"instant"}},
		{name: "an added scenario by name", added: []*optestv1.Scenario{life("mine", nil)}, desktops: []string{"mine", "d"}, want: []string{"mine", "none"}},
		{name: "an added scenario takes the catalogue's name", added: []*optestv1.Scenario{life("instant", fields("name", "never"))}, desktops: []string{"instant"}, want: []string{"none"}},
		{name: "an exact field", added: []*optestv1.Scenario{life("mine", fields("desktop_id", "d-1"))}, desktops: []string{"d-1", "d-11"}, want: []string{"mine", "none"}},
		{name: "a pattern", added: []*optestv1.Scenario{life("mine", fields("desktop_id", "prod-*"))}, desktops: []string{"prod-", "prod-7", "xprod-7"}, want: []string{"mine", "mine", "none"}},
		{name: "a label", added: []*optestv1.Scenario{life("mine", fields("labels.team", "b?ild"))}, desktops: []string{"d"}, want: []string{"mine"}},
		{name: "a match beats a name", added: []*optestv1.Scenario{life("mine", fields("desktop_id", "inst*"))}, desktops: []string{"instant"}, want: []string{"mine"}},
		{name: "the latest match first", added: []*optestv1.Scenario{life("one", fields("desktop_id", "*")), life("two", fields("desktop_id", "d*"))}, desktops: []string{"d", "e"}, want: []string{"two", "one"}},
		{name: "an empty match is for every create", added: []*optestv1.Scenario{life("mine", &optestv1.Match{})}, desktops: []string{"d"}, want: []string{"mine"}},
		{name: "another method", added: []*optestv1.Scenario{life("mine", &optestv1.Match{Method: "Delete"})}, desktops: []string{"d"}, want: []string{"none"}},
		{name: "a method by pattern", added: []*optestv1.Scenario{life("mine", &optestv1.Match{Method: "*.DesktopImageService/Copy*"})}, desktops: []string{"d"}, want: []string{"mine"}},
		{name: "a header", added: []*optestv1.Scenario{life("mine", &optestv1.Match{Headers: map[string]string{"X-Suite": "a*"}})}, header: []string{"x-suite", "alpha"}, desktops: []string{"d"}, want: []string{"mine"}},
		{name: "without the header", added: []*optestv1.Scenario{life("mine", &optestv1.Match{Headers: map[string]string{"X-Suite": "a*"}})}, desktops: []string{"d"}, want: []string{"none"}},
		{name: "the second call", added: []*optestv1.Scenario{life("mine", &optestv1.Match{Calls: &optestv1.Range{From: 2, To: 2}})}, fallback: life("fallback", nil), desktops: []string{"a", "b", "c"}, want: []string{"fallback", "mine", "fallback"}},
		{name: "so many times", added: []*optestv1.Scenario{life("mine", &optestv1.Match{Calls: &optestv1.Range{To: 2}})}, desktops: []string{"a", "b", "c"}, want: []string{"mine", "mine", "none"}},
		{name: "a script, one by one", script: []*optestv1.Scenario{life("one", nil), life("two", nil)}, fallback: life("fallback", nil), desktops: []string{"instant", "d", "d"}, want: []string{"one", "two", "fallback"}},
		{name: "a script waits for its match", script: []*optestv1.Scenario{life("one", fields("desktop_id", "d"))}, fallback: life("fallback", nil), desktops: []string{"e", "d", "d"}, want: []string{"fallback", "one", "fallback"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opts := []Option{Scenarios(tt.added...)}
			if tt.fallback != nil {
				opts = append(opts, Default(tt.fallback))
			}
			s := New(t, opts...)
			s.Script(tt.script...)
			for i, id := range tt.desktops {
				if got := played(t, s, desktop(id), tt.header...); got != tt.want[i] {
					t.Errorf("call %d with desktop %q plays %s, want %s", i+1, id, got, tt.want[i])
				}
			}
		})
	}
}

func TestNoScenarioSaysWhatDiffers(t *testing.T) {
	match := Running(0).Named("nightly").For("desktop_id", "prod-*").Succeed()
	match.Match.Headers = map[string]string{"X-Suite": "night"}
	s := New(t, Scenarios(match))
	_, err := copyFromDesktop(metadata.AppendToOutgoingContext(t.Context(), "x-suite", "secret"), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "instnat"})
	message := status.Convert(err).Message()
	for _, want := range []string{`"nightly"`, `desktop_id is "instnat", want "prod-*"`, "header x-suite does not match", `"instant"`} {
		if !strings.Contains(message, want) {
			t.Errorf("message %q lacks %q", message, want)
		}
	}
	if strings.Contains(message, "secret") {
		t.Errorf("message %q tells a header's text", message)
	}
}

func TestPlayRefusesWhatDoesNotValidate(t *testing.T) {
	for name, play := range map[string]func(*Server, *optestv1.Scenario){
		"Play":   (*Server).Play,
		"Script": func(s *Server, one *optestv1.Scenario) { s.Script(one) },
	} {
		t.Run(name, func(t *testing.T) {
			tb := &failing{TB: t}
			s := New(tb)
			defer tb.finish()
			defer func() {
				if r := recover(); r != "fatal" || len(tb.logged) != 1 || !strings.Contains(tb.logged[0], "timeline") {
					t.Errorf("got %v and log %q, want the test to end with an error that names the field", r, tb.logged)
				}
			}()
			play(s, &optestv1.Scenario{Name: "empty"})
		})
	}
	s, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if r := recover(); r == nil {
			t.Error("without a test Play returned, want a panic")
		}
		_ = s.Close()
	}()
	s.Play(&optestv1.Scenario{Name: "empty"})
}
