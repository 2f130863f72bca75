package trace

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func TestExpandGivesBackWhatCompressTook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := drawPolls(t)
		runs := slices.Collect(Compress(slices.Values(events)))
		for _, r := range runs {
			if err := r.check(); err != nil {
				t.Fatal(err)
			}
		}
		if d := differ(slices.Collect(Expand(slices.Values(runs))), events); d != "" {
			t.Fatal(d)
		}
	})
}

// The same through messages, as the control API sends them.
func TestRunToMessageAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := drawPolls(t)
		var runs []*Run
		for r := range Compress(slices.Values(events)) {
			again, err := RunOf(r.Proto(), blobsOf(events...))
			if err != nil {
				t.Fatal(err)
			}
			if again.Len() != r.Len() {
				t.Fatalf("got %d events, want %d", again.Len(), r.Len())
			}
			runs = append(runs, again)
		}
		if d := differ(slices.Collect(Expand(slices.Values(runs))), events); d != "" {
			t.Fatal(d)
		}
	})
}

// A day of polls by three readers, every second, with a request id in each: two
// answers differ from each other.
func dayOfPolls(n int) []*Event {
	callers := []*Caller{{Reader: "a"}, {Reader: "b"}, {Reader: "c"}}
	running, done := NewBlob([]byte("\n\x03abc running")), NewBlob([]byte("\n\x03abc done"))
	events := make([]*Event, n)
	for i := range events {
		called := time.Duration(i)*time.Second + time.Duration(i*7919%1000)*time.Microsecond
		events[i] = &Event{
			Number: uint64(i + 1), Called: called, Returned: called + time.Millisecond, Method: "s/Get", Outcome: optestv1.Event_OK,
			Caller: callers[i%3], Request: bodies[2], Response: running,
			ResponseHeader: Fields{{"content-type", "application/grpc"}, {"x-request-id", time.Duration(i).String()}},
		}
		if i > n*9/10 {
			events[i].Response = done
		}
	}
	return events
}

func TestCompressShrinksPolls(t *testing.T) {
	events := dayOfPolls(86_400)
	runs := slices.Collect(Compress(slices.Values(events)))
	if most := 3*(len(events)/windowEvents+1) + 3; len(runs) > most {
		t.Errorf("got %d runs of %d events, want at most %d", len(runs), len(events), most)
	}
	if d := differ(slices.Collect(Expand(slices.Values(runs))), events); d != "" {
		t.Error(d)
	}
}

// Even times, as in a simulation, take no bytes for each event.
func TestEvenTimesTakeNoSteps(t *testing.T) {
	var events []*Event
	for i := range 100 {
		called := time.Duration(i) * time.Minute
		events = append(events, &Event{Number: uint64(10 + 2*i), Called: called, Returned: called, Outcome: optestv1.Event_OK})
	}
	runs := slices.Collect(Compress(slices.Values(events)))
	if len(runs) != 1 || runs[0].Len() != 100 || runs[0].repeat.GetSteps() != nil {
		t.Errorf("got %d runs, the first %v, want one without steps", len(runs), runs[0].repeat)
	}
}

func TestExpandStopsWhenToldTo(t *testing.T) {
	runs := slices.Collect(Compress(slices.Values(dayOfPolls(30))))
	for stop := range 30 {
		n := 0
		for range Expand(slices.Values(runs)) {
			if n++; n == stop+1 {
				break
			}
		}
		if n != stop+1 {
			t.Errorf("got %d events, want %d", n, stop+1)
		}
	}
}

func TestRunThatMakesNoSense(t *testing.T) {
	events := dayOfPolls(9)
	var readerA []*Event
	for i := 0; i < 9; i += 3 {
		readerA = append(readerA, events[i])
	}
	whole := newRun(readerA)
	for _, tt := range []struct {
		name   string
		change func(*optestv1.Event_Repeat)
		want   string
	}{
		{"count", func(r *optestv1.Event_Repeat) { r.Count = 0 }, "event 1 is repeated 0 times, want 1 to 4096"},
		{"bomb", func(r *optestv1.Event_Repeat) { r.Count = 1<<32 - 1 }, "event 1 is repeated 4294967295 times, want 1 to 4096"},
		{
			"short", func(r *optestv1.Event_Repeat) { r.Steps = r.Steps[:5] },
			"event 1 is repeated 2 times by 5 bytes of steps, want four varints for each time",
		},
		{
			"long", func(r *optestv1.Event_Repeat) { r.Steps = append(r.Steps, 0) },
			"event 1 is repeated 2 times by 15 bytes of steps, want four varints for each time",
		},
		{
			"last", func(r *optestv1.Event_Repeat) { r.LastNumber = 8 },
			"event 1 is repeated until event 8, called at 6.000514s and returned at 6.001514s, but its steps lead to event 7, 6.000514s and 6.001514s",
		},
		{
			"backwards", func(r *optestv1.Event_Repeat) { r.Steps[0] = 1 },
			"event 1 is repeated as event 0, called at 3.000757s and returned at 3.001757s, want rising numbers and times in order",
		},
		{
			"uneven", func(r *optestv1.Event_Repeat) { r.Steps, r.LastNumber = nil, 6 },
			"event 1 is repeated 2 times at even distances, which its last number and call do not allow",
		},
		{
			"column", func(r *optestv1.Event_Repeat) { r.Columns[0].Index = 2 },
			"event 1 repeats field 2 of its RESPONSE_HEADER, want one of its 2",
		},
		{
			"values", func(r *optestv1.Event_Repeat) { r.Columns[0].Values = r.Columns[0].Values[:1] },
			"event 1 repeats a field with 1 values, want 2",
		},
		{
			"place", func(r *optestv1.Event_Repeat) { r.Columns[0].Place = 9 },
			"event 1 repeats a field of 9, want REQUEST_HEADER, RESPONSE_HEADER or RESPONSE_TRAILER",
		},
		{
			"centuries", func(r *optestv1.Event_Repeat) { r.LastCalled = &durationpb.Duration{Seconds: 1e11} },
			"event 1 has lastCalled at 100000000000 seconds and 0 nanoseconds, want at most 292 years",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &Run{whole.First, proto.CloneOf(whole.repeat)}
			tt.change(r.repeat)
			if err := r.check(); err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
	if err := whole.check(); err != nil {
		t.Error(err)
	}
}
