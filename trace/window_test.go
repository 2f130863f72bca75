package trace

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// A blob that two lines refer to is written once, and again once a reader may
// have forgotten it.
func TestBlobsAreWrittenOnce(t *testing.T) {
	blobLines := func(events []*Event, limit int) (lines int, file []byte) {
		var out bytes.Buffer
		w, err := NewWriter(&out, header())
		if err != nil {
			t.Fatal(err)
		}
		w.known = newGenerations[ID, struct{}](limit)
		for _, e := range events {
			if err := w.Write(e); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return strings.Count(out.String(), `{"blob":`), out.Bytes()
	}
	var events []*Event
	for round := range 2 {
		for i := range 100 {
			number := uint64(round*100 + i + 1)
			response := NewBlob(bytes.Repeat([]byte{byte(i)}, 1000))
			events = append(events, &Event{Number: number, Outcome: optestv1.Event_OK, Response: response, Note: string(rune('a' + number%26))})
		}
	}
	if got, _ := blobLines(events, writerBlobs); got != 100 {
		t.Errorf("got %d blobs, want 100", got)
	}
	got, file := blobLines(events, 30*(1000+blobCost))
	if got != 200 {
		t.Errorf("got %d blobs of a writer that remembers 60, want 200", got)
	}
	// A reader with the same proportion to the writer as the real one.
	r, err := NewReader(bytes.NewReader(file), "x")
	if err != nil {
		t.Fatal(err)
	}
	r.decoder.blobs.limit = 75 * (1000 + blobCost)
	back, err := r.all(maxEvents)
	if err != nil {
		t.Fatal(err)
	}
	if d := differ(back.Events, events); d != "" {
		t.Error(d)
	}
	if entries, _ := r.decoder.blobs.size(); entries > 150 {
		t.Errorf("the reader keeps %d blobs, want at most 150", entries)
	}
}

// However blobs come, a reader still has those that a writer relies on.
func TestReaderRemembersMoreThanWriter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, r := newGenerations[int, struct{}](32), newGenerations[int, struct{}](64+2*8)
		for i, blob := range rapid.SliceOfN(rapid.IntRange(0, 60), 1, 2000).Draw(t, "blobs") {
			cost := 1 + blob%8
			if _, ok := w.get(blob); !ok {
				w.put(blob, struct{}{}, cost)
				r.put(blob, struct{}{}, cost) // its line
			}
			if _, ok := r.get(blob); !ok {
				t.Fatalf("reference %d is to blob %d, which the reader has forgotten", i, blob)
			}
		}
	})
}
