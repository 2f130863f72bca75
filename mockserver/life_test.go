package mockserver

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/optest-dev/optest/fixtures"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// The builder makes the message that a fixture is.
func TestLifeIsAScenario(t *testing.T) {
	tests := []struct {
		name string
		life *optestv1.Scenario
		want string
	}{
		{"success", Running(2 * time.Hour).Succeed(), `name: "succeeds" timeline { at { seconds: 7200 } succeed {} }`},
		{"success at a poll", RunningUntilPoll(3).Succeed(), `name: "succeeds" timeline { poll: 3 succeed {} }`},
		{
			"own fields", Running(0).SucceedWith(&clouddesktop.DesktopImage{Name: "n"}),
			`name: "succeeds" timeline { at {} succeed { response { fields { key: "name" value { string_value: "n" } } } } }`,
		},
		{
			"failure", Running(time.Second).Fail(codes.ResourceExhausted, "full", &errdetails.ErrorInfo{Reason: "R"}),
			`name: "fails" timeline { at { seconds: 1 } fail { code: RESOURCE_EXHAUSTED message: "full" details { [type.googleapis.com/google.rpc.ErrorInfo] { reason: "R" } } } }`,
		},
		{
			"early error", Running(20*time.Second).Failing(codes.Aborted, "m").RolledBackAfter(40 * time.Second),
			`name: "rolls-back" timeline { at { seconds: 20 } failing { code: ABORTED message: "m" } } timeline { at { seconds: 60 } fail {} }`,
		},
		{
			"early error by polls", RunningUntilPoll(2).Failing(codes.Aborted, "m").RolledBackAtPoll(4),
			`name: "rolls-back" timeline { poll: 2 failing { code: ABORTED message: "m" } } timeline { poll: 4 fail {} }`,
		},
		{
			"stuck", Running(time.Second).Failing(codes.Aborted, "m").Forever(),
			`name: "never-done" never_done: true timeline { at { seconds: 1 } failing { code: ABORTED message: "m" } }`,
		},
		{"never done", NeverDone().Forever(), `name: "never-done" never_done: true`},
		{"a hint, done at once", Running(0).PollEvery(5).Succeed(), `name: "succeeds" timeline { at {} poll_hint: "5" succeed {} }`},
		{
			"for some, by name", Running(0).Named("mine").For("desktop_id", "a*").For("name", "b").Succeed(),
			`name: "mine" match { fields { key: "desktop_id" value: "a*" } fields { key: "name" value: "b" } } timeline { at {} succeed {} }`,
		},
		{"cancelled later", Running(0).CancelledAfter(time.Second).Succeed(), `name: "succeeds" timeline { at {} succeed {} } cancel { honour { after { seconds: 1 } } }`},
		{"cancel refused", Running(0).CancelRefused().Succeed(), `name: "succeeds" timeline { at {} succeed {} } cancel { refuse {} }`},
		{"cancel ignored", Running(0).CancelIgnored().Succeed(), `name: "succeeds" timeline { at {} succeed {} } cancel { ignore {} }`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := &optestv1.Scenario{}
			if err := prototext.Unmarshal([]byte(tt.want), want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, tt.life, protocmp.Transform()); diff != "" {
				t.Errorf("scenario (-want +got):\n%s", diff)
			}
			if problems := fixtures.Validate(tt.life); problems != nil {
				t.Errorf("it does not validate: %v", problems)
			}
		})
	}
}

func TestALifeIsNotChangedByItsContinuations(t *testing.T) {
	begin := Running(time.Second)
	_ = begin.Named("other").PollEvery(1).CancelRefused().Succeed()
	_ = begin.Failing(codes.Aborted, "m").Forever()
	want := Running(time.Second).Succeed()
	if diff := cmp.Diff(want, begin.Succeed(), protocmp.Transform()); diff != "" {
		t.Errorf("a second end of the same beginning (-want +got):\n%s", diff)
	}
}
