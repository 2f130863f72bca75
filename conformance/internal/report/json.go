package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protojson"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// WriteJSON writes the report as JSON of several lines. Equal reports are equal
// files, whatever wrote them: protojson itself varies its spaces.
func WriteJSON(out io.Writer, rep *optestv1.ConformanceReport) error {
	text, err := protojson.Marshal(rep)
	if err != nil {
		return fmt.Errorf("optest: writing a report as JSON: %w", err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return fmt.Errorf("optest: writing a report as JSON: %w", err)
	}
	b.WriteByte('\n')
	return written(out, b.Bytes())
}

func written(out io.Writer, data []byte) error {
	if _, err := out.Write(data); err != nil {
		return fmt.Errorf("optest: writing a report: %w", err)
	}
	return nil
}
