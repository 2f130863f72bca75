package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/optest-dev/optest/trace"
)

func TestUUIDs(t *testing.T) {
	for _, bad := range []string{"", "no UUID", strings.Repeat("a", 36), "7d2b9e06-5c1a-4c0e-9a57-3f8f6f0f5a1g", "7d2b9e06-5c1a-4c0e-9a57-3f8f6f0f5a1", "{7d2b9e06-5c1a-4c0e-9a57-3f8f6f0f5a}"} {
		if isUUID(bad) {
			t.Errorf("%q is a UUID, want none", bad)
		}
	}
	shape := rapid.StringMatching(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`)
	rapid.Check(t, func(t *rapid.T) {
		if text := shape.Draw(t, "uuid"); !isUUID(text) {
			t.Fatalf("%q is none, want a UUID", text)
		}
	})
}

func TestKeyOfACall(t *testing.T) {
	for _, tt := range []struct {
		values []string
		want   string
		ok     bool
	}{
		{nil, "", false},
		{[]string{"a"}, "a", true},
		{[]string{"a", "a"}, "a", true},
		{[]string{"a", "b"}, "", false},
		{[]string{""}, "", false},
	} {
		e := &trace.Event{}
		for _, v := range tt.values {
			e.RequestHeader = append(e.RequestHeader, key(v))
		}
		if got, ok := keyOf(&Seen{Event: e}); got != tt.want || ok != tt.ok {
			t.Errorf("key of %q is %q, %v, want %q, %v", tt.values, got, ok, tt.want, tt.ok)
		}
	}
}

func TestKeyringForgets(t *testing.T) {
	var k keyring
	at := func(d time.Duration) *Seen {
		return &Seen{Event: &trace.Event{Called: d, Returned: d + time.Millisecond}}
	}
	for i := range 3 * maxKeyed {
		k.add(at(time.Duration(i)), fmt.Sprint(i))
	}
	if len(k.calls) > maxKeyed || len(k.order) > maxKeyed {
		t.Errorf("%d keys are kept in order of %d, want at most %d", len(k.calls), len(k.order), maxKeyed)
	}
	for range 2 * maxKeyCalls {
		k.add(at(time.Second), "one")
	}
	if n := len(k.with(at(2*time.Second), "one")); n != maxKeyCalls {
		t.Errorf("%d calls of a key are kept, want %d", n, maxKeyCalls)
	}
	if n := len(k.with(at(2*time.Minute), "one")); n != 0 {
		t.Errorf("%d calls of a key are good after two minutes, want none", n)
	}
	k.add(at(time.Hour), "last")
	if len(k.calls) != 1 {
		t.Errorf("%d keys are kept after an hour, want the last", len(k.calls))
	}
}
