package trace

import (
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func listed(events []*Event, err error) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

func TestTable(t *testing.T) {
	want := `
 EVENT        CALLED       TOOK  READER    PROTOCOL  METHOD                        OPERATION             OUTCOME
    #1        0.000s     +1.5ms  a         GRPC      DesktopImage.CopyFromDesktop  fv400000000000000001  OK [early-error]
    #2        5.000s     +1.5ms  a         GRPC      Operation.Get                 fv400000000000000001  OK
    #3        5.100s     +1.5ms  b         GRPC      Operation.Get                 fv400000000000000001  OK
    #4       10.000s     +1.5ms  a         GRPC      Operation.Get                 fv400000000000000001  OK
    #5       10.300s     +1.5ms  b         GRPC      Operation.Get                 fv400000000000000001  OK
    #6       14.000s     +1.5ms  b         GRPC      Operation.Get                 fv400000000000000001  OK
    #7       15.000s     +1.5ms  a         GRPC      Operation.Get                 fv400000000000000001  UNAVAILABLE "restarting" [early-error running@0s] fault burst (status)
    #8       20.000s     +1.5ms  a         GRPC      Operation.Get                 fv400000000000000001  OK
    #9       21.000s     +900µs  b         REST      Operation.Get                 fv400000000000000001  OK
   #10       22.000s     +1.5ms  b         GRPC      Operation.Get                 fv400000000000000001  UNAVAILABLE "unexpected HTTP status code 502" HTTP 502 no trailers
   #11       23.000s     +1.5ms  a         GRPC      Operation.Get                 fv400000000000000001  INDETERMINATE (CANCELLED) "context canceled"
`
	var b strings.Builder
	if err := WriteTable(&b, listed(earlyError().Events, nil)); err != nil {
		t.Fatal(err)
	}
	if got := "\n" + b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	damaged := errors.New("damaged")
	if err := WriteTable(&b, listed(earlyError().Events[:2], damaged)); !errors.Is(err, damaged) {
		t.Errorf("got %v, want the error of the events", err)
	}
	full := errors.New("full")
	for _, room := range []int{0, 120} {
		if err := WriteTable(failingAfter{room, full}, listed(earlyError().Events, nil)); !errors.Is(err, full) {
			t.Errorf("got %v, want the error of the writer", err)
		}
	}
}

func TestOddEventsOnALine(t *testing.T) {
	for want, e := range map[string]*Event{
		"#1 3600.000s +1m0s OK":                                    {Number: 1, Called: time.Hour, Returned: time.Hour + time.Minute, Outcome: optestv1.Event_OK},
		"#1 0.000s +0s c1 OTHER POST /a b OK HTTP 204":             {Number: 1, Caller: &Caller{Connection: "c1"}, Protocol: optestv1.Event_OTHER, HTTPRequest: "POST /a b", Outcome: optestv1.Event_OK, HTTPStatus: 204},
		"#1 0.000s +0s OK 2 messages":                              {Number: 1, Outcome: optestv1.Event_OK, Frames: &Frames{Messages: 2}},
		"#1 0.000s +0s OK 0 messages trailers only":                {Number: 1, Outcome: optestv1.Event_OK, Frames: &Frames{Trailers: optestv1.Event_Frames_ONLY}},
		"#1 0.000s +0s FAILED 7 bytes of a message cut short":      {Number: 1, Outcome: optestv1.Event_FAILED, Frames: &Frames{Partial: 7}},
		"#1 0.000s +0s Get OK":                                     {Number: 1, Outcome: optestv1.Event_OK, Method: "Get"},
		"#1 0.000s +0s OK [s t] fault f":                           {Number: 1, Outcome: optestv1.Event_OK, Played: &Play{"s", "t", []AppliedFault{{"f", "f", "s"}}}},
		"#1 0.000s +0s OK note: a\uFFFD[31mb\uFFFD":                {Number: 1, Outcome: optestv1.Event_OK, Note: "a\x1b[31mb\n"},
		"#1 0.000s +0s OK note: " + strings.Repeat("ы", 200) + "…": {Number: 1, Outcome: optestv1.Event_OK, Note: strings.Repeat("ы", 201)},
	} {
		if got := e.String(); got != want {
			t.Errorf("\ngot  %s\nwant %s", got, want)
		}
	}
}
