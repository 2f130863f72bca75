package mockserver

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/durationpb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func TestPollHintsChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t)
		life := Running(4 * time.Second).PollEvery(5).Succeed()
		life.Timeline = append(life.Timeline,
			&optestv1.Step{When: &optestv1.Step_At{At: durationpb.New(2 * time.Second)}, PollHint: new("1")},
			&optestv1.Step{When: &optestv1.Step_At{At: durationpb.New(3 * time.Second)}, PollHint: new("")})
		s.Play(life)
		var header metadata.MD
		op, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"}, grpc.Header(&header))
		if err != nil {
			t.Fatal(err)
		}
		hints := []string{strings.Join(header.Get(headerHint), "")}
		for range 4 {
			time.Sleep(time.Second)
			if _, err := getOperation(t.Context(), s, op.GetId(), grpc.Header(&header)); err != nil {
				t.Fatal(err)
			}
			hints = append(hints, strings.Join(header.Get(headerHint), ""))
		}
		if got := strings.Join(hints, "|"); got != "5|5|1||" {
			t.Errorf("hints %q, want 5|5|1||", got)
		}
	})
}

func TestHeadersSayWhatPlayed(t *testing.T) {
	for name, tt := range map[string]struct {
		opts []Option
		want string
	}{
		"on":  {nil, "instant succeed@0s"},
		"off": {[]Option{WithoutHeaders()}, " "},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(t, tt.opts...)
			var header metadata.MD
			if _, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "instant"}, grpc.Header(&header)); err != nil {
				t.Fatal(err)
			}
			got := strings.Join(header.Get(HeaderScenario), "") + " " + strings.Join(header.Get(HeaderStep), "")
			if got != tt.want {
				t.Errorf("headers say %q, want %q", got, tt.want)
			}
		})
	}
}
