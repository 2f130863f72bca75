package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"text/tabwriter"
)

// result is one run.
type result struct {
	Go   string `json:"go"`
	OS   string `json:"os"`
	Arch string `json:"arch"`
	CPUs int    `json:"cpus"`
	Rows []row  `json:"rows"`
}

func newResult() *result {
	return &result{Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU()}
}

func (r *result) short() bool {
	for _, row := range r.Rows {
		if row.Verdict == short {
			return true
		}
	}
	return false
}

// row is one figure and what is wanted of it.
type row struct {
	Bar string `json:"bar"`
	// Unit is that of Optest and Baseline, which are medians.
	Unit     string   `json:"unit"`
	Optest   *float64 `json:"optest,omitempty"`
	Baseline *float64 `json:"baseline,omitempty"`
	// Figure is what is held against Want, in FigureUnit.
	Figure     float64 `json:"figure"`
	FigureUnit string  `json:"figureUnit"`
	// Low and High are the quartiles of Figure where it was taken in rounds.
	Low     *float64 `json:"low,omitempty"`
	High    *float64 `json:"high,omitempty"`
	Want    *want    `json:"want,omitempty"`
	Verdict verdict  `json:"verdict"`
	// How says what was measured.
	How string `json:"how"`
}

type verdict string

const (
	pass  verdict = "pass"
	short verdict = "short"
	// told marks a figure without a bar: it explains another.
	told verdict = "-"
	// absent marks a figure that this system can't give.
	absent verdict = "n/a"
)

// want is a bar.
type want struct {
	Bound bound   `json:"bound"`
	Value float64 `json:"value"`
}

type bound string

const (
	atLeast bound = ">="
	atMost  bound = "<="
)

func (w want) met(figure float64) bool {
	if w.Bound == atLeast {
		return figure >= w.Value
	}
	return figure <= w.Value
}

// ratio is a row about rounds of both subjects.
func ratio(bar, unit string, pairs []pair, w *want, how string) row {
	optest, bare := medians(pairs)
	low, middle, high := quartiles(pairs, pair.ratio)
	return row{
		Bar: bar, Unit: unit, Optest: &optest, Baseline: &bare,
		Figure: middle, FigureUnit: "x", Low: &low, High: &high,
		Want: w, Verdict: judge(middle, w), How: how,
	}
}

// figure is a row about optest's own number.
func figure(bar, unit string, pairs []pair, w *want, how string) row {
	r := ratio(bar, unit, pairs, nil, how)
	low, middle, high := quartiles(pairs, func(p pair) float64 { return p.Optest })
	r.Figure, r.FigureUnit, r.Low, r.High = middle, unit, &low, &high
	r.Want, r.Verdict = w, judge(middle, w)
	return r
}

func judge(figure float64, w *want) verdict {
	switch {
	case w == nil:
		return told
	case w.met(figure):
		return pass
	}
	return short
}

var formats = map[string]func(io.Writer, *result) error{"text": printText, "json": printJSON}

func printJSON(w io.Writer, r *result) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

func printText(w io.Writer, r *result) error {
	fmt.Fprintf(w, "%s %s/%s, %d CPUs; medians, in brackets the quartiles of the rounds\n\n", r.Go, r.OS, r.Arch, r.CPUs)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "bar\toptest\tbaseline\tfigure\twant\tverdict")
	for _, row := range r.Rows {
		figure, wanted := "", ""
		if row.Verdict != absent {
			figure = spread(row)
		}
		if row.Want != nil {
			wanted = fmt.Sprintf("%s %s", row.Want.Bound, quantity(row.Want.Value, row.FigureUnit))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", row.Bar, optional(row.Optest, row.Unit), optional(row.Baseline, row.Unit), figure, wanted, row.Verdict)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	told := ""
	for _, row := range r.Rows {
		if row.How != told { // rows of one measure follow each other
			fmt.Fprintf(w, "\n%s\n  %s\n", row.Bar, row.How)
			told = row.How
		}
	}
	return nil
}

func spread(r row) string {
	text := quantity(r.Figure, r.FigureUnit)
	if r.Low != nil && r.High != nil {
		text += fmt.Sprintf(" (%s to %s)", number(*r.Low), number(*r.High))
	}
	return text
}

func optional(v *float64, unit string) string {
	if v == nil {
		return ""
	}
	return quantity(*v, unit)
}

func quantity(v float64, unit string) string { return number(v) + " " + unit }

// grouped is a count with commas between the thousands.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// number has three significant digits, or all before the point.
func number(v float64) string {
	switch abs := max(v, -v); {
	case abs >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case abs >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}
