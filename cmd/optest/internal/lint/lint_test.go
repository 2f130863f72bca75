package lint_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/optest-dev/optest/cmd/optest/internal/lint"
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

// tests has scenarios, and for each all that is found, a line a finding. Without
// any it is odd but right.
type tests []struct{ name, yaml, want string }

func (list tests) run(t *testing.T) {
	for _, tt := range list {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, p := range lint.Scenario(parse(t, tt.yaml)) {
				got = append(got, p.String())
			}
			want := slices.DeleteFunc(strings.Split(tt.want, "\n"), func(line string) bool { return strings.TrimSpace(line) == "" })
			if !slices.EqualFunc(got, want, func(a, b string) bool { return a == strings.TrimSpace(b) }) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

func TestSteps(t *testing.T) {
	tests{
		{"polls that a fault answers", `
timeline: [{poll: 3, progress: 50}, {poll: 4, succeed: {}}]
faults: [{on: GET, calls: {from: 4}, status: {status: {code: UNAVAILABLE}}}]
`, `timeline[1].poll: is never reached, for faults[0] answers every poll from call 4 on, want calls.to or times there, or an earlier poll here`},
		{"polls that hang", `
timeline: [{poll: 1, succeed: {}}]
faults: [{on: GET, delay: {by: 1s}}, {on: ANY, hang: {}}]
`, `timeline[0].poll: is never reached, for faults[1] answers every poll from call 1 on, want calls.to or times there, or an earlier poll here`},
		{"polls that a proxy takes", `
timeline: [{poll: 3, succeed: {}}]
faults: [{on: GET, calls: {from: 2}, http: {status: 502}}]
`, `timeline[0].poll: is never reached, for faults[0] answers every poll from call 2 on, want calls.to or times there, or an earlier poll here`},
		{"polls without a connection", `
timeline: [{poll: 3, succeed: {}}]
faults: [{on: GET, transport: {kind: TCP_RESET}}]
`, `timeline[0].poll: is never reached, for faults[0] answers every poll from call 1 on, want calls.to or times there, or an earlier poll here`},
		{"polls that come back", `
timeline: [{poll: 9, succeed: {}}]
faults:
  - {on: GET, http: {status: 502, after_commit: true}}
  - {on: GET, transport: {kind: TCP_RESET, after_commit: true}}
  - {on: GET, transport: {kind: NO_TRAILERS}}
  - {on: GET, transport: {kind: GOAWAY_GRACEFUL}}
  - {on: GET, calls: {from: 2, to: 4}, status: {status: {code: UNAVAILABLE}}}
  - {on: GET, calls: {from: 7}, times: 3, hang: {}}
  - {on: GET, probability: 0.5, hang: {}}
  - {on: GET, every: 2, hang: {}}
  - {on: GET, protocols: [REST], hang: {}}
  - {on: GET, reader: {connection: 2}, hang: {}}
  - {on: GET, status: {after_commit: true, status: {code: UNAVAILABLE}}}
`, ``},
		{"after Cancel", `
timeline: [{at: 5s, progress: 5}, {at: 15s, progress: 10}, {at: 30s, progress: 50}, {at: 60s, succeed: {}}]
cancel: {honour: {after: 5s, rollback: 1m}}
expect: {outcome: CANCELLED, code: CANCELLED, cancel_at: 10s}
`, `timeline[2].at: is never reached where expect is played, for Cancel at 10s ends the operation at 15s, want it earlier or the step left out`},
		{"after a Cancel that is lost", `
timeline: [{at: 30s, progress: 50}, {at: 60s, succeed: {}}]
faults: [{on: CANCEL, status: {status: {code: UNIMPLEMENTED}}}]
expect: {outcome: SUCCEEDED, cancel_at: 10s, not_before: 60s}
`, ``},
		{"after a Cancel that may come too late", `
timeline: [{poll: 2, progress: 50}, {poll: 3, succeed: {}}]
expect: {outcome: CANCELLED, code: CANCELLED, cancel_at: 10s}
`, ``},
		{"a Cancel that nobody sends", `
timeline: [{at: 30s, progress: 50}, {at: 60s, succeed: {}}]
cancel: {honour: {after: 5s}}
expect: {outcome: SUCCEEDED, not_before: 60s}
`, ``},
		{"without effect", `
timeline:
  - {at: 0s, poll_hint: ""}
  - {at: 1s, description: a, progress: 1}
  - {at: 2s}
  - {at: 3s, description: a}
  - {at: 4s, description: b, progress: 1}
  - {at: 5s, succeed: {}}
`, `
timeline[0]: changes nothing that the operation shows, want description, metadata, progress, poll_hint, failing, fail or succeed, or the step left out
timeline[2]: changes nothing that the operation shows, want description, metadata, progress, poll_hint, failing, fail or succeed, or the step left out
timeline[3]: changes nothing that the operation shows, want description, metadata, progress, poll_hint, failing, fail or succeed, or the step left out
`},
		{"without effect, in polls", `
timeline: [{poll: 3, poll_hint: 5}, {poll: 2, poll_hint: 5}, {at: 0s, progress: 1}, {poll: 4, succeed: {}}]
`, `timeline[0]: changes nothing that the operation shows, want description, metadata, progress, poll_hint, failing, fail or succeed, or the step left out`},
		{"the same by time and by polls", `
timeline: [{poll: 3, poll_hint: 5}, {at: 10s, poll_hint: 5}, {at: 20s, succeed: {}}]
`, ``},
		{"nothing, by time or by polls", `
timeline: [{poll: 3}, {at: 20s, succeed: {}}]
`, `timeline[0]: changes nothing that the operation shows, want description, metadata, progress, poll_hint, failing, fail or succeed, or the step left out`},
		{"a policy that comes too late", `
timeline: [{at: 5s, failing: {code: ABORTED, message: m}}, {at: 1m, fail: {}}]
cancel: {refuse: {}}
expect: {outcome: FAILED, code: ABORTED, cancel_at: 5s, not_before: 1m}
`, `cancel: has no effect where expect is played, for the operation is not running any more when Cancel comes at 5s, want an earlier expect.cancel_at`},
		{"a policy that may come in time", `
timeline: [{poll: 1, succeed: {}}]
cancel: {ignore: {}}
expect: {outcome: SUCCEEDED, cancel_at: 5s, not_before: 0s}
`, ``},
		{"a Cancel after the end", `
timeline: [{at: 5s, succeed: {}}]
expect: {outcome: SUCCEEDED, cancel_at: 5s, not_before: 5s}
`, ``},
	}.run(t)
}

func TestFaults(t *testing.T) {
	tests{
		{"phases that never come", `
timeline: [{at: 0s, failing: {code: ABORTED, message: m}}]
never_done: true
cancel: {ignore: {}}
faults:
  - {on: GET, from_phase: DONE, hang: {}}
  - {on: CANCEL, until_phase: RUNNING, hang: {}}
  - {on: GET, until_phase: FAILING, delay: {by: 1s}}
  - {on: GET, from_phase: RUNNING, delay: {by: 1s}}
`, `
faults[0].from_phase: never fires, for the operation is never DONE, want a phase that its timeline has
faults[1].until_phase: never fires, for the operation is never RUNNING, want a phase that its timeline has
`},
		{"phases by Cancel alone", `
never_done: true
faults: [{on: GET, from_phase: DONE, hang: {}}, {on: GET, from_phase: FAILING, until_phase: FAILING, hang: {}}]
expect: {outcome: DEADLINE}
`, `
faults[0].from_phase: never fires, for the operation is DONE after a Cancel only, want cancel and expect.cancel_at to speak of it, or another phase
faults[1].from_phase: never fires, for the operation is never FAILING, want a phase that its timeline has
`},
		{"phases of a Cancel that is spoken of", `
never_done: true
cancel: {honour: {rollback: 1s}}
faults: [{on: GET, from_phase: DONE, hang: {}}, {on: GET, from_phase: FAILING, until_phase: FAILING, hang: {}}]
expect: {outcome: DEADLINE}
`, ``},
		{"phases by polls", `
timeline: [{poll: 2, failing: {code: ABORTED, message: m}}, {poll: 3, fail: {}}]
faults: [{on: GET, from_phase: FAILING, until_phase: FAILING, delay: {by: 1s}}, {on: GET, from_phase: DONE, status: {status: {code: NOT_FOUND}}}]
`, ``},
		{"no phase of a call that creates", `
timeline: [{at: 1s, succeed: {}}]
faults:
  - {on: CREATE, from_phase: RUNNING, hang: {}}
  - {on: LIST, until_phase: DONE, hang: {}}
  - {on: CREATE, reader: {connection: 1}, hang: {}}
  - {on: ANY, from_phase: RUNNING, delay: {by: 1s}}
  - {on: CREATE, reader: {headers: {x-reader: a}}, delay: {by: 1s}}
`, `
faults[0].from_phase: never fires, for a call that creates an operation or is about none has no phase, want on: GET or CANCEL, or no phase
faults[1].until_phase: never fires, for a call that creates an operation or is about none has no phase, want on: GET or CANCEL, or no phase
faults[2].reader.connection: never fires, for only calls about an operation have its readers, want on: GET or CANCEL, or reader.headers
`},
		{"lists beside a match", `
timeline: [{at: 1s, succeed: {}}]
match: {fields: {desktop_id: a}}
faults:
  - {on: LIST, hang: {}}
  - {method: DesktopImageService/List, hang: {}}
  - {on: ANY, delay: {by: 1s}}
  - {method: "*/Get", delay: {by: 1s}}
`, `
faults[0]: never fires, for calls about no operation are hit while the scenario is the default, which one with a match can't be, want no match or calls of another kind
faults[1]: never fires, for calls about no operation are hit while the scenario is the default, which one with a match can't be, want no match or calls of another kind
`},
		{"lists of the default", `
timeline: [{at: 1s, succeed: {}}]
faults: [{on: LIST, calls: {from: 3}, hang: {}}]
`, ``},
		{"methods", `
timeline: [{at: 1s, succeed: {}}]
faults:
  - {method: CopyFromDesktp, hang: {}}
  - {method: OperationService/Gett, hang: {}}
  - {method: CopyFromDesktop, delay: {by: 1s}}
  - {method: yandex.cloud.operation.OperationService/Get, delay: {by: 1s}}
  - {method: my.own.v1.VolcanoService/Erupt, hang: {}}
  - {method: "Nothing*", hang: {}}
`, `
faults[0].method: names no known method, want "CopyFromDesktop"
faults[1].method: names no known method, want "OperationService/Get"
`},
		{"chances", `
timeline: [{at: 1s, succeed: {}}]
faults:
  - {on: GET, calls: {from: 1, to: 2}, probability: 0.0001, hang: {}}
  - {on: GET, probability: 0.00000001, hang: {}}
  - {on: GET, probability: 0.05, calls: {from: 1, to: 1}, hang: {}}
  - {on: GET, probability: 0.0001, hang: {}}
`, `
faults[0].probability: fires in one run of 5000, for it chooses from 2 calls, want more of either
faults[1].probability: fires in one run of 10000, for it chooses from 10000 calls, want more of either
`},
		{"conditions to spare", `
timeline: [{at: 1s, succeed: {}}]
faults:
  - {on: GET, calls: {from: 2, to: 4}, times: 4, delay: {by: 1s}}
  - {on: GET, calls: {from: 1, to: 9}, every: 3, times: 4, delay: {by: 1s}}
  - {on: GET, calls: {from: 2, to: 4}, every: 3, delay: {by: 1s}}
  - {on: GET, calls: {from: 2, to: 4}, every: 2, times: 2, delay: {by: 1s}}
  - {on: GET, calls: {from: 5}, times: 2, delay: {by: 1s}}
`, `
faults[0].times: is never reached, for calls and every choose 3, want at most that
faults[1].times: is never reached, for calls and every choose 3, want at most that
faults[2].every: chooses the first of the calls only, want at most calls.to - calls.from
`},
		{"nothing left to do", `
timeline: [{at: 1s, succeed: {}}]
faults:
  - {on: GET, status: {after_commit: true, status: {code: UNAVAILABLE}}}
  - {on: GET, calls: {from: 2, to: 2}, status: {status: {code: ABORTED}}}
  - {on: GET, delay: {by: 1s}}
  - {on: GET, headers: {set: {x-a: b}}}
  - {on: CANCEL, status: {status: {code: ABORTED}}}
`, `faults[1]: has no effect, for faults[0] answers these calls with a status, want other calls for one of the two`},
		{"nothing left to answer", `
timeline: [{at: 1s, succeed: {}}]
faults:
  - {on: GET, calls: {from: 2, to: 3}, times: 1, headers: {set: {x-a: b}}}
  - {on: GET, calls: {from: 2, to: 3}, times: 1, hang: {after_commit: true}}
  - {on: GET, calls: {from: 2, to: 3}, times: 1, hang: {}}
  - {on: GET, calls: {from: 2, to: 3}, times: 2, status: {status: {code: ABORTED}}}
`, `
faults[0]: has no effect, for faults[1] never answers these calls, want other calls for one of the two
faults[2]: has no effect, for faults[1] never answers these calls, want other calls for one of the two
`},
		{"protocols that are left alone", `
timeline: [{at: 1s, succeed: {}}]
faults:
  - {on: GET, protocols: [GRPC, GRPC_WEB], json: {shape: SNAKE_CASE}}
  - {on: GET, protocols: [CONNECT], json: {shape: ERROR_WITH_200}}
  - {on: GET, protocols: [GRPC, CONNECT], json: {shape: INT64_AS_NUMBER}}
  - {on: GET, protocols: [REST], json: {shape: TEXT_PLAIN}}
  - {on: GET, json: {shape: NULL_MEMBERS}}
`, `
faults[0].protocols: changes nothing, for json SNAKE_CASE is about REST and CONNECT only, want that among them
faults[1].protocols: changes nothing, for json ERROR_WITH_200 is about REST only, want that among them
`},
		{"no answer to change", `
timeline: [{at: 1s, succeed: {}}]
faults:
  - {on: GET, answer: {clear: [response]}}
  - {on: GET, calls: {from: 2}, clock: {skew: 1h}}
  - {on: ANY, status: {status: {code: UNAVAILABLE}}}
violates: [OP-08]
`, `
faults[0]: has no effect, for faults[2] answers these calls with a status, want other calls for one of the two
faults[1]: has no effect, for faults[2] answers these calls with a status, want other calls for one of the two
`},
		{"mistakes of the server itself", `
timeline: [{at: 1s, succeed: {}}]
match: {}
faults:
  - {quirk: {kind: KEY_IGNORED}}
  - {method: Copy*, probability: 0.05, quirk: {kind: NAME_CUT}}
  - {on: ANY, hang: {}}
violates: [IDM-01]
`, ``},
		{"no Cancel to hit", `
timeline: [{at: 1s, succeed: {}}]
faults: [{on: CANCEL, hang: {}}]
expect: {outcome: SUCCEEDED, not_before: 1s}
`, `faults[0]: never fires where expect is played, for nothing cancels the operation, want expect.cancel_at`},
	}.run(t)
}

func TestExpect(t *testing.T) {
	const blip = "faults: [{on: GET, calls: {from: 2, to: 4}, status: {status: {code: UNAVAILABLE}}}]\n"
	tests{
		{"a success that does not come", `
timeline: [{at: 1s, fail: {code: ABORTED, message: m}}]
expect: {outcome: SUCCEEDED, not_before: 1s}
` + blip, `expect.outcome: got SUCCEEDED, but the operation fails with ABORTED at 1s, want FAILED`},
		{"another code", `
timeline: [{at: 0s, fail: {code: ABORTED, message: m}}]
expect: {outcome: FAILED, code: INTERNAL}
` + blip, `expect.code: got INTERNAL, but the operation fails with ABORTED at once and no fault has that code, want the code of one of them`},
		{"the code of a fault", `
timeline: [{at: 1m, succeed: {}}]
expect: {outcome: FAILED, code: PERMISSION_DENIED, not_before: 0s}
faults: [{on: GET, status: {status: {code: PERMISSION_DENIED}}}]
`, ``},
		{"the client's own deadline", `
timeline: [{at: 1m, succeed: {}}]
expect: {outcome: FAILED, code: DEADLINE_EXCEEDED, not_before: 0s}
faults: [{on: CREATE, hang: {}}]
`, ``},
		{"no breach", `
timeline: [{at: 1m, succeed: {}}]
expect: {outcome: PROTOCOL_ERROR, not_before: 1m}
` + blip, `expect.outcome: got PROTOCOL_ERROR, but no fault breaks the contract, want the outcome that the timeline has, or violates`},
		{"a breach", `
timeline: [{at: 20s, failing: {code: ABORTED, message: m}}, {at: 1m, succeed: {}}]
violates: [LRO-11]
expect: {outcome: PROTOCOL_ERROR, not_before: 1m}
`, ``},
		{"a breach in headers", `
timeline: [{at: 1m, succeed: {}}]
faults: [{on: GET, headers: {set: {x-operation-poll-interval: "-5"}}}]
violates: [ERR-11]
expect: {outcome: PROTOCOL_ERROR, not_before: 0s}
`, ``},
		{"whatever a proxy makes of it", `
timeline: [{at: 1m, succeed: {}}]
faults: [{on: GET, http: {status: 404}}]
expect: {outcome: FAILED, code: UNIMPLEMENTED, not_before: 2m}
`, ``},
		{"an answer that is changed", `
timeline: [{at: 1m, fail: {code: ABORTED, message: m}}]
faults: [{on: GET, answer: {clear: [error]}}]
expect: {outcome: CANCELLED, code: CANCELLED}
violates: [OP-08]
`, ``},
		{"too late", `
timeline: [{at: 1m, succeed: {}}]
expect: {outcome: SUCCEEDED, not_before: 2m}
` + blip, `expect.not_before: got 2m, but the operation may be done at 1m, want at most 1m`},
		{"too late for polls", `
timeline: [{poll: 3, succeed: {}}]
expect: {outcome: SUCCEEDED, not_before: 1s}
`, `expect.not_before: got 1s, but the operation may be done at once, want at most 0s`},
		{"late because of delays", `
timeline: [{at: 1m, succeed: {}}]
faults: [{on: GET, delay: {by: 12s}}]
expect: {outcome: SUCCEEDED, not_before: 72s}
`, ``},
		{"too early", `
timeline: [{at: 20s, failing: {code: ABORTED, message: m}}, {at: 1m, fail: {}}]
expect: {outcome: FAILED, code: ABORTED, not_before: 20s}
`, `expect.not_before: got 20s, but the operation is done at 1m at the earliest, want 1m, or a client that concludes too early passes`},
		{"early because of a fault", `
timeline: [{at: 1m, fail: {code: UNAVAILABLE, message: m}}]
expect: {outcome: FAILED, code: UNAVAILABLE, not_before: 20s}
faults: [{on: GET, calls: {from: 9}, status: {status: {code: UNAVAILABLE}}}]
`, ``},
		{"a deadline after the end", `
timeline: [{at: 1m, succeed: {}}]
expect: {outcome: DEADLINE, not_before: 2m}
` + blip, `expect.not_before: got 2m, but the operation may be done at 1m, want at most 1m`},
		{"a deadline before the end", `
timeline: [{at: 1h, succeed: {}}]
expect: {outcome: DEADLINE, not_before: 2m}
` + blip, ``},
		{"a deadline for what never ends", `
never_done: true
expect: {outcome: DEADLINE, not_before: 1h}
` + blip, ``},
		{"cancelled by nobody", `
timeline: [{at: 1m, succeed: {}}]
expect: {outcome: CANCELLED, code: CANCELLED}
` + blip, `expect.outcome: got CANCELLED, but nothing cancels the operation, want cancel_at, or another outcome`},
		{"cancelled by others", `
timeline: [{at: 1m, fail: {code: CANCELLED, message: m}}]
expect: {outcome: CANCELLED, code: CANCELLED, not_before: 1m}
` + blip, ``},
		{"cancelled too late", `
timeline: [{at: 1m, succeed: {}}]
expect: {outcome: CANCELLED, code: CANCELLED, cancel_at: 1m, not_before: 1m}
` + blip, `expect.cancel_at: got 1m, but the operation succeeds at 1m all the same, want a Cancel that is honoured in time, or another outcome`},
		{"cancelled in vain", `
timeline: [{poll: 3, succeed: {}}]
cancel: {refuse: {}}
expect: {outcome: CANCELLED, code: CANCELLED, cancel_at: 1m}
`, `expect.cancel_at: got 1m, but the operation succeeds at once all the same, want a Cancel that is honoured in time, or another outcome`},
		{"cancelled with another code", `
timeline: [{at: 1m, succeed: {}}]
cancel: {honour: {status: {code: ABORTED}}}
expect: {outcome: CANCELLED, code: CANCELLED, cancel_at: 1s, not_before: 1s}
` + blip, `expect.code: got CANCELLED, but the operation ends with ABORTED at 1s, after Cancel, want ABORTED`},
		{"cancelled or not, by polls", `
timeline: [{poll: 3, succeed: {}}]
expect: {outcome: CANCELLED, code: CANCELLED, cancel_at: 10s, not_before: 10s}
`, ``},
		{"cancelled before its end in polls", `
timeline: [{poll: 3, succeed: {}}]
expect: {outcome: CANCELLED, code: CANCELLED, cancel_at: 10s, not_before: 1s}
`, `expect.not_before: got 1s, but the operation is done at 10s at the earliest, want 10s, or a client that concludes too early passes`},
		{"a refusal taken for the end", `
timeline: [{at: 1m, succeed: {}}]
cancel: {refuse: {code: ABORTED}}
expect: {outcome: FAILED, code: ABORTED, cancel_at: 10s, not_before: 0s}
` + blip, ``},
		{"a Cancel that is lost", `
timeline: [{at: 1m, succeed: {}}]
faults: [{on: CANCEL, status: {status: {code: UNIMPLEMENTED}}}]
expect: {outcome: SUCCEEDED, cancel_at: 10s, not_before: 1m}
`, ``},
	}.run(t)
}

func TestViolates(t *testing.T) {
	const none = "but nothing in the scenario can break the contract, want a fault or a step that does, or no rules"
	tests{
		{"nothing", `
timeline: [{at: 1m, succeed: {}}]
violates: [OP-08]
`, `violates: names OP-08, ` + none},
		{"nothing that fires", `
timeline: [{at: 1m, succeed: {}}]
faults: [{on: CREATE, from_phase: DONE, hang: {}}]
violates: [OP-08, OP-09, OP-10, OP-12]
`, `
faults[0].from_phase: never fires, for a call that creates an operation or is about none has no phase, want on: GET or CANCEL, or no phase
violates: names OP-08 and others, ` + none},
		{"hints that are right", `
timeline: [{at: 0s, poll_hint: 5}, {at: 1m, succeed: {}}]
violates: [ERR-11, XP-01]
`, `violates: names ERR-11, XP-01, ` + none},
		{"hints", `
timeline: [{at: 0s, poll_hint: "0"}, {at: 1m, succeed: {}}]
violates: [ERR-11]
`, ``},
		{"a fault", `
timeline: [{at: 1m, succeed: {}}]
faults: [{on: GET, from_phase: DONE, status: {status: {code: NOT_FOUND}}}]
violates: [LRO-15]
`, ``},
		{"a timeline", `
timeline: [{at: 1m, fail: {}}]
violates: [OP-10]
`, ``},
		{"no end in time", `
timeline: [{at: 1h, succeed: {}}]
cancel: {honour: {rollback: 43800h}}
violates: [CXL-08]
expect: {outcome: DEADLINE, cancel_at: 10s, not_before: 10s}
`, ``},
		{"another description", `
timeline: [{at: 1s, description: a}, {at: 1m, succeed: {}}]
violates: [LRO-06]
`, ``},
		{"progress that is put into the description", `
timeline: [{at: 1s, progress: 5}, {at: 1m, succeed: {}}]
violates: [LRO-06]
`, ``},
		{"the first description", `
timeline: [{at: 0s, description: a}, {at: 1m, succeed: {}}]
violates: [LRO-06]
`, `violates: names LRO-06, ` + none},
		{"success for what does not exist", `
timeline: [{at: 1m, succeed: {}}]
violates: [REQ-10]
`, ``},
		{"failure for what does not exist", `
timeline: [{at: 1m, fail: {code: ABORTED, message: m}}]
violates: [REQ-10]
`, `violates: names REQ-10, ` + none},
		{"no end", "never_done: true\nviolates: [LRO-13]\n", ``},
		{"the code of Cancel", `
timeline: [{at: 1m, succeed: {}}]
cancel: {honour: {status: {code: UNKNOWN}}}
violates: [CXL-04]
`, ``},
		{"the response", `
timeline: [{at: 1m, succeed: {response: {status: CREATING}}}]
violates: [IMG-07]
`, ``},
		{"the metadata", `
timeline: [{at: 1s, metadata: {image_id: other}}, {at: 1m, succeed: {}}]
violates: [LRO-12]
`, ``},
		{"an empty message", `
timeline: [{at: 1m, fail: {code: ABORTED}}]
violates: [OP-11]
`, ``},
		{"an empty message, early", `
timeline: [{at: 1s, failing: {code: ABORTED}}, {at: 1m, fail: {}}]
violates: [OP-11]
`, ``},
	}.run(t)
}

func TestUnplayableIsLeftAlone(t *testing.T) {
	for _, s := range []*optestv1.Scenario{nil, {}, {Violates: []string{"OP-08"}}} {
		if got := lint.Scenario(s); got != nil {
			t.Errorf("%v: got %v, want nothing: the validator speaks of it", s, got)
		}
	}
}

// Whatever can be played can be looked at, and each finding names a place in it.
func TestAnyPlayable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw.Valid(t)
		if p := fixtures.Validate(s); len(p) > 0 {
			t.Fatalf("drawn %v: %v", s, p)
		}
		for _, p := range lint.Scenario(s) {
			if p.Message == "" || p.Path == "" {
				t.Fatalf("got %+v, want a place and a message", p)
			}
		}
	})
}
