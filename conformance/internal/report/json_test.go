package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func TestJSONRoundTrip(t *testing.T) {
	rep := brokenSample(t).report()
	var b bytes.Buffer
	if err := WriteJSON(&b, rep); err != nil {
		t.Fatal(err)
	}
	golden(t, "broken.json", b.Bytes())
	got := &optestv1.ConformanceReport{}
	if err := protojson.Unmarshal(b.Bytes(), got); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(rep, got) {
		t.Errorf("got\n%v\nwant\n%v", got, rep)
	}
	// A report that was read is written as the one that was made.
	for name, write := range map[string]func(*bytes.Buffer, *optestv1.ConformanceReport) error{
		"text":  func(b *bytes.Buffer, r *optestv1.ConformanceReport) error { return WriteText(b, r, Text{}) },
		"JUnit": func(b *bytes.Buffer, r *optestv1.ConformanceReport) error { return WriteJUnit(b, r) },
		"HTML":  func(b *bytes.Buffer, r *optestv1.ConformanceReport) error { return WriteHTML(b, r, nil) },
	} {
		var one, other bytes.Buffer
		if err := errors.Join(write(&one, rep), write(&other, got)); err != nil {
			t.Fatal(err)
		}
		if one.String() != other.String() {
			t.Errorf("%s differs", name)
		}
	}
}

// Equal reports are equal bytes, with no space at the ends of lines.
func TestJSONIsStable(t *testing.T) {
	var b bytes.Buffer
	if err := WriteJSON(&b, brokenSample(t).report()); err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(b.String(), "\n") {
		if strings.TrimRight(line, " ") != line || strings.Contains(strings.TrimSpace(line), `":  `) {
			t.Errorf("line %d has odd spaces: %q", i+1, line)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWritersTellOfFailure(t *testing.T) {
	rep := brokenSample(t).report()
	for name, err := range map[string]error{
		"text": WriteText(brokenWriter{}, rep, Text{}), "JSON": WriteJSON(brokenWriter{}, rep), "JUnit": WriteJUnit(brokenWriter{}, rep), "HTML": WriteHTML(brokenWriter{}, rep, nil),
	} {
		if err == nil || err.Error() != "optest: writing a report: disk full" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
