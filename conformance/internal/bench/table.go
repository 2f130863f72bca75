package main

import (
	"fmt"
	"io"
	"runtime"
	"strconv"
	"text/tabwriter"
)

// row is one figure and what is wanted of it.
type row struct {
	Bar    string
	Figure float64
	Unit   string
	Want   *want // nil: the figure explains another
	// How says what was measured.
	How string
}

// want is a bar.
type want struct {
	bound bound
	value float64
}

type bound string

const (
	atLeast bound = ">="
	atMost  bound = "<="
)

func (r row) verdict() string {
	switch {
	case r.Want == nil:
		return "-"
	case r.Want.bound == atLeast && r.Figure >= r.Want.value, r.Want.bound == atMost && r.Figure <= r.Want.value:
		return "pass"
	}
	return "short"
}

func short(rows []row) bool {
	for _, r := range rows {
		if r.verdict() == "short" {
			return true
		}
	}
	return false
}

func printed(w io.Writer, rows []row) error {
	fmt.Fprintf(w, "%s %s/%s, %d CPUs\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "bar\tfigure\twant\tverdict")
	for _, r := range rows {
		wanted := ""
		if r.Want != nil {
			wanted = fmt.Sprintf("%s %s %s", r.Want.bound, number(r.Want.value), r.Unit)
		}
		fmt.Fprintf(table, "%s\t%s %s\t%s\t%s\n", r.Bar, number(r.Figure), r.Unit, wanted, r.verdict())
	}
	if err := table.Flush(); err != nil {
		return err
	}
	told := ""
	for _, r := range rows {
		if r.How != told { // rows of one measure follow each other
			if _, err := fmt.Fprintf(w, "\n%s\n  %s\n", r.Bar, r.How); err != nil {
				return err
			}
			told = r.How
		}
	}
	return nil
}

// number has three significant digits, or all before the point.
func number(v float64) string {
	switch abs := max(v, -v); {
	case abs >= 1000:
		return grouped(int(v))
	case abs >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case abs >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}

// grouped is a count with commas between the thousands.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}
