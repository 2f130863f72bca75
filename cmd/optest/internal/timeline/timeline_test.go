package timeline_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"

	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
	"github.com/optest-dev/optest/cmd/optest/internal/timeline"
	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/fixtures/scenariofile"
	"github.com/optest-dev/optest/internal/draw"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func parse(t *testing.T, yaml string) *optestv1.Scenario {
	t.Helper()
	list, err := scenariofile.Parse("x.yaml", []byte("name: x\n"+yaml))
	if err != nil {
		t.Fatal(err)
	}
	return list[0]
}

func text(lines []timeline.Line) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.String() + "\n")
	}
	return b.String()
}

func TestDraw(t *testing.T) {
	for _, tt := range []struct{ name, yaml, want string }{
		{"a failure before its end", `
timeline:
  - {at: 20s, failing: {code: RESOURCE_EXHAUSTED, message: Image quota is exceeded}}
  - {at: 60s, fail: {}}
expect: {outcome: FAILED, code: RESOURCE_EXHAUSTED, not_before: 60s}
`, `
    0s ● running
       │
   20s ● failing    error RESOURCE_EXHAUSTED "Image quota is exceeded"
       ┊
    1m ■ failed     error RESOURCE_EXHAUSTED "Image quota is exceeded"

Cancel   ends it at once with CANCELLED, while it is running
Expect   FAILED with RESOURCE_EXHAUSTED, not before 1m
`},
		{"polls, and what goes wrong with them", `
timeline:
  - {poll: 2, progress: 50}
  - {poll: 3, succeed: {response: {name: a b, storage_size: 5}}}
faults:
  - {on: GET, calls: {from: 2, to: 4}, status: {status: {code: UNAVAILABLE, message: The service is restarting}}}
  - {on: CREATE, calls: {to: 1}, hang: {after_commit: true}}
  - {on: GET, from_phase: DONE, every: 3, delay: {by: 1s, jitter: 2s}}
`, `
    0s ● running
       │ ✗ polls 2-4: UNAVAILABLE "The service is restarting"
       │ ✗ create 1: never answered, after it took effect
poll 2 ○            progress 50%
       │
poll 3 ■ succeeded  response with name "a b", storage_size 5
         ✗ 1 in 3 of polls once done: 1s to 3s late

Cancel   ends it at once with CANCELLED, while it is running
`},
		{"times and polls", `
timeline:
  - {at: 0s, description: Copying, metadata: {image_id: img1}, poll_hint: 5}
  - {poll: 2, poll_hint: ""}
  - {poll: 3, failing: {code: ABORTED, message: The disk is gone}}
  - {at: 1m, fail: {code: ABORTED, message: m}}
faults: [{on: GET, from_phase: FAILING, until_phase: FAILING, probability: 0.05, hang: {}}]
violates: [OP-08, LRO-11]
`, `
By time
    0s ● running    description "Copying"
       │            metadata image_id "img1"
       │            poll interval 5
       │
    1m ■ failed     error ABORTED "m"

By polls, whichever comes first
poll 2 ○ running    no poll interval
       │
poll 3 ● failing    error ABORTED "The disk is gone"
       ┊ ✗ every poll with probability 0.05 while failing: never answered
       ▼            or by time

Cancel   ends it at once with CANCELLED, while it is running
Violates OP-08, LRO-11
`},
		{"Cancel", `
timeline: [{at: 5s, progress: 5}, {at: 12s, progress: 10}, {at: 40s, progress: 20}, {at: 1h, succeed: {}}]
cancel: {honour: {after: 5s, rollback: 30s, status: {message: By its owner}}}
faults: [{on: CANCEL, headers: {set: {retry-after: 3, x-a: ""}}}]
expect: {outcome: CANCELLED, code: CANCELLED, cancel_at: 10s, not_before: 45s}
`, `
    0s ● running
       │
    5s ○            progress 5%
       │
   12s ○            progress 10%
       │
   40s ○            progress 20%
       │
    1h ■ succeeded  response

With Cancel at 10s
   10s ○ running    Cancel
       │ ✗ every Cancel: header retry-after: 3, no x-a
   12s ○            progress 10%
       │
   15s ● failing    error CANCELLED "By its owner"
       ┊
   45s ■ failed     error CANCELLED "By its owner"

Expect   CANCELLED, not before 45s
`},
		{"Cancel in vain", `
timeline: [{at: 1m, succeed: {}}]
cancel: {refuse: {message: No}}
expect: {outcome: SUCCEEDED, cancel_at: 1s, not_before: 1m}
`, `
    0s ● running
       │
    1m ■ succeeded  response

With Cancel at 1s
    1s ○ running    Cancel is refused with FAILED_PRECONDITION "No"
       │
    1m ■ succeeded  response

Expect   SUCCEEDED, not before 1m
`},
		{"Cancel before polls", `
timeline: [{poll: 2, succeed: {}}]
cancel: {ignore: {}}
expect: {outcome: SUCCEEDED, cancel_at: 1s, not_before: 0s}
`, `
    0s ● running
       │
poll 2 ■ succeeded  response

With Cancel at 1s, before any poll
    1s ○ running    Cancel is ignored
       │
       ▼            or by polls

Expect   SUCCEEDED
`},
		{"Cancel too late", `
timeline: [{at: 0s, succeed: {}}]
expect: {outcome: SUCCEEDED, cancel_at: 0s, not_before: 0s}
`, `
    0s ■ succeeded  response

With Cancel at 0s
    0s ■ succeeded  Cancel changes nothing

Expect   SUCCEEDED
`},
		{"no end, and a fault that only Cancel leads to", `
match: {method: CopyFromDesktop, fields: {desktop_id: prod-*, labels.team: ""}, headers: {x-suite: a}, calls: {from: 2, to: 3}}
timeline: [{at: 0s, failing: {code: 99}}]
never_done: true
cancel: {honour: {after: 1s, rollback: 2s}}
faults:
  - {on: GET, from_phase: DONE, times: 1, status: {status: {code: NOT_FOUND}, trailers: {x-a: b c}}, name: gone}
  - {on: CANCEL, until_phase: FAILING, delay: {by: 1s}}
  - {on: CANCEL, until_phase: RUNNING, delay: {by: 1s}}
  - {on: CANCEL, from_phase: RUNNING, until_phase: FAILING, delay: {by: 1s}}
expect: {outcome: DEADLINE}
violates: [OP-10]
`, `
Match    CopyFromDesktop with desktop_id: prod-*, no labels.team with header
         x-suite: a, calls 2-3

    0s ● failing    error 99
       ┊
       ▼ never done

Cancel   changes nothing, for a failure is detected from the beginning
       ✗ every Cancel until failing: 1s late
       ✗ every Cancel while running: 1s late
       ✗ every Cancel from running to failing: 1s late
       ✗ every poll once done, 1 time at most: NOT_FOUND with trailer x-a: "b
         c" (gone)
Expect   DEADLINE
Violates OP-10
`},
		{"several of a kind", `
match: {calls: {from: 2}}
timeline: [{at: 0s, fail: {code: ABORTED, details: [{"@type": type.googleapis.com/google.rpc.RetryInfo}, {"@type": type.googleapis.com/google.rpc.Help}]}}]
faults:
  - {on: ANY, method: "*/Get", every: 2, reader: {connection: 2, headers: {x-a: "b*"}}, protocols: [REST, GRPC], delay: {by: 1s}}
  - {method: List, calls: {from: 3}, hang: {}}
  - {on: LIST, calls: {from: 3, to: 3}, hang: {}}
  - {quirk: {kind: KEY_IGNORED}}
  - {method: Copy*, probability: 0.05, protocols: [REST], quirk: {kind: NAME_CUT}}
violates: [IDM-01]
`, `
Match    methods that create a resource, calls from 2 on

    0s ■ failed     error ABORTED with RetryInfo, Help
         ✗ 1 in 2 of call or */Get of connection 2 with x-a: b* over REST,
           GRPC: 1s late
         ✗ List from 3 on: never answered
         ✗ list 3: never answered
         ✗ the server: KEY_IGNORED
         ✗ the server in Copy* with probability 0.05 over REST: NAME_CUT

Cancel   changes nothing, for the operation is done from the beginning
Violates IDM-01
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := text(timeline.Draw(parse(t, tt.yaml), 80, timeline.Unicode))
			if got != strings.TrimPrefix(tt.want, "\n") {
				t.Errorf("got\n%s\nwant%s", got, tt.want)
			}
		})
	}
}

// Effects that this version's validator may refuse can be drawn all the same.
func TestDrawEffects(t *testing.T) {
	fields, err := structpb.NewStruct(map[string]any{"done": true, "@type": "a.b/c.D", "list": []any{1, 2}, "nested": map[string]any{"a": nil}})
	if err != nil {
		t.Fatal(err)
	}
	negative := int32(-1)
	for want, f := range map[string]*optestv1.Fault{
		`answer as of 10s, with @type D, done true, list [2], nested {a null}, without response, another operation's id, metadata, with 2 raw bytes more`: {
			Effect: &optestv1.Fault_Answer{Answer: &optestv1.AnswerFault{
				Set: fields, Clear: []string{"response"}, Copy: []string{"id", "metadata"}, AppendRaw: []byte{1, 2}, AsOf: seconds(10),
			}},
		},
		"answer of 1 raw byte instead": {Effect: &optestv1.Fault_Answer{Answer: &optestv1.AnswerFault{ReplaceRaw: []byte{1}}}},
		"HTTP 502 text/html with header server: nginx": {
			Effect: &optestv1.Fault_Http{Http: &optestv1.HttpFault{Status: 502, ContentType: "text/html", Headers: map[string]string{"server": "nginx"}}},
		},
		"HTTP 404, after it took effect": {Effect: &optestv1.Fault_Http{Http: &optestv1.HttpFault{Status: 404, AfterCommit: true}}},
		"TCP_RESET, after it took effect": {
			Effect: &optestv1.Fault_Transport{Transport: &optestv1.TransportFault{Kind: optestv1.TransportFault_TCP_RESET, AfterCommit: true}},
		},
		"RST_INTERNAL_ERROR after 5 bytes": {
			Effect: &optestv1.Fault_Transport{Transport: &optestv1.TransportFault{Kind: optestv1.TransportFault_RST_INTERNAL_ERROR, AfterBytes: 5}},
		},
		"timestamps off by -1h, with nanos -1, in milliseconds": {
			Effect: &optestv1.Fault_Clock{Clock: &optestv1.ClockFault{Skew: seconds(-3600), Nanos: &negative, MillisAsSeconds: true}},
		},
		"created_at of now, off by 1m": {Effect: &optestv1.Fault_Clock{Clock: &optestv1.ClockFault{
			Skew: seconds(60), Only: optestv1.ClockFault_CREATED_AT, From: optestv1.ClockFault_NOW,
		}}},
		"modified_at of creation": {Effect: &optestv1.Fault_Clock{Clock: &optestv1.ClockFault{
			Only: optestv1.ClockFault_MODIFIED_AT, From: optestv1.ClockFault_CREATION,
		}}},
		"JSON with SNAKE_CASE": {Effect: &optestv1.Fault_Json{Json: &optestv1.JsonFault{Shape: optestv1.JsonFault_SNAKE_CASE}}},
		"nothing":              {},
	} {
		f.On = optestv1.Fault_GET
		s := &optestv1.Scenario{NeverDone: true, Faults: []*optestv1.Fault{f}}
		got := strings.Join(strings.Fields(strings.ReplaceAll(text(timeline.Draw(s, 80, timeline.Unicode)), "│", "")), " ")
		if !strings.Contains(got, "✗ every poll: "+want+" ") {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

func TestDrawManySteps(t *testing.T) {
	s := &optestv1.Scenario{NeverDone: true}
	for i := range 1000 {
		s.Timeline = append(s.Timeline, &optestv1.Step{When: &optestv1.Step_At{At: seconds(int64(i))}, Description: new(fmt.Sprint(i))})
	}
	lines := timeline.Draw(s, 80, timeline.Unicode)
	got := text(lines)
	if len(lines) > 70 {
		t.Errorf("got %d lines, want few", len(lines))
	}
	for _, want := range []string{
		"    0s ● running    description \"0\"\n    1s ○            description \"1\"\n",
		"   49s ○            description \"49\"\n       …            940 more\n16m30s ○            description \"990\"\n",
		"16m39s ○            description \"999\"\n       │\n       ▼ never done\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant in it\n%s", got, want)
		}
	}
}

func TestStyles(t *testing.T) {
	styles := map[string]terminal.Style{}
	for _, l := range timeline.Draw(fixtures.Must("early-error"), 80, timeline.Unicode) {
		for _, span := range l {
			styles[strings.TrimSpace(span.Text)] = span.Style
		}
	}
	for part, want := range map[string]terminal.Style{
		"running": terminal.Bold, "failing": terminal.Yellow, "failed": terminal.Red, "│": terminal.Dim, "Cancel": terminal.Bold, "1m": "",
	} {
		if got, ok := styles[part]; !ok || got != want {
			t.Errorf("%s: got the style %q, %v, want %q", part, got, ok, want)
		}
	}
}

// Whatever can be played is drawn within the width and shows nothing that a
// terminal would take for a command.
func TestAnyPlayable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw.Valid(t)
		width := rapid.IntRange(40, 78).Draw(t, "width")
		signs := rapid.SampledFrom([]timeline.Signs{timeline.Unicode, timeline.ASCII}).Draw(t, "signs")
		lines := timeline.Draw(s, width, signs)
		if len(lines) == 0 || len(lines) > 2000 {
			t.Fatalf("got %d lines", len(lines))
		}
		for _, l := range lines {
			line := l.String()
			if strings.TrimRight(line, " ") != line {
				t.Fatalf("%q ends in spaces", line)
			}
			for _, r := range line {
				if !unicode.IsPrint(r) && r != unicode.ReplacementChar || signs == timeline.ASCII && r > '~' {
					t.Fatalf("%q has %U", line, r)
				}
			}
			if n := timeline.Columns(line); n > width {
				t.Fatalf("%q has %d columns, want at most %d", line, n, width)
			}
		}
	})
}

func TestCatalogueFits(t *testing.T) {
	for s := range fixtures.All() {
		for _, l := range timeline.Draw(s, 1000, timeline.Unicode) {
			if n := timeline.Columns(l.String()); n > timeline.Widest {
				t.Errorf("%s: %q has %d columns, want at most %d", s.GetName(), l, n, timeline.Widest)
			}
		}
	}
}

func seconds(n int64) *durationpb.Duration { return &durationpb.Duration{Seconds: n} }
