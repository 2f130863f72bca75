package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

//go:embed html
var htmlFiles embed.FS

// Bounds of a page, in bytes. Together they are less than a megabyte, which mail
// and CI systems still show.
const (
	// roomForFindings is for what belongs to findings. Those that come after it is
	// used up are shown in brief.
	roomForFindings = 400_000
	// roomForBrief is for those in brief. Beyond it they are only counted.
	roomForBrief = 120_000
	// roomForRun is for the picture of the run.
	roomForRun = 300_000
	// mostBars is how many bars it begins with.
	mostBars = 2000
)

type htmlPage struct {
	*template.Template
	style  template.CSS
	script template.JS
	policy string
}

// parsedPage is the template with what is the same in every page.
var parsedPage = sync.OnceValue(func() *htmlPage {
	t := template.New("page.tmpl").Funcs(template.FuncMap{
		"clip":    func(text string) string { return clipped(plain(text), 500) },
		"bare":    func(id string) string { return strings.TrimSuffix(id, " *") },
		"code":    codeParts,
		"grouped": func(n int) string { return grouped(uint64(n)) },
		"times":   times,
		"noticed": noticed,
		"percent": func(s *optestv1.RuleResult_Sensitivity) uint32 { return 100 * s.GetNoticed() / max(1, s.GetPlaces()) },
		"lines": func(list []string) string {
			const longest = 20_000
			return bounded(paragraphs(strings.Join(list, "\n")), longest)
		},
	})
	t = template.Must(t.ParseFS(htmlFiles, "html/*.tmpl"))
	style, script := mustRead("html/style.css"), mustRead("html/filter.js")
	sum := sha256.Sum256(script)
	return &htmlPage{
		Template: t, style: template.CSS(style), script: template.JS(script),
		// Whatever a server has put into its answers, nothing is loaded and no other
		// script runs.
		policy: "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'",
	}
})

func mustRead(name string) []byte {
	b, err := htmlFiles.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	return b
}

// WriteHTML writes the report as one page that needs nothing else: what is broken
// with its evidence byte by byte, and a picture of the calls. The trace is the one
// that was judged; nil leaves out what is not evidence. The page stays below a
// megabyte whatever was found: what has no room is left out, and the page says so.
func WriteHTML(out io.Writer, rep *optestv1.ConformanceReport, tr *trace.Trace) error {
	t := parsedPage()
	v := newView()
	byNumber := map[uint64]*trace.Event{}
	if tr != nil {
		for _, e := range tr.Events {
			byNumber[e.Number] = e
		}
	}
	p := newPage(rep)
	p.Policy, p.Style, p.Script = t.policy, t.style, t.script
	if err := t.findings(p, v, rep, tr, byNumber); err != nil {
		return err
	}
	for most := mostBars; ; most /= 2 {
		p.Run = v.overview(rep, tr, byNumber, most)
		if p.Run == nil || most == 0 {
			break
		}
		size, err := t.size("picture", p.Run.Picture)
		if err != nil {
			return err
		}
		if size <= roomForRun {
			break
		}
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return fmt.Errorf("optest: writing a report as HTML: %w", err)
	}
	return written(out, b.Bytes())
}

// findings fills in what was found, as long as there is room: first of each rule
// the first.
func (t *htmlPage) findings(p *page, v *view, rep *optestv1.ConformanceReport, tr *trace.Trace, byNumber map[uint64]*trace.Event) error {
	p.Broken = v.brokenRules(rep)
	room, brief := roomForFindings, roomForBrief
	for at := range mostDistinct {
		for i := range p.Broken {
			b := &p.Broken[i]
			if at >= len(b.Shown) {
				continue
			}
			n := b.Shown[at]
			shown := v.brief(b.Rule, n)
			if room > 0 {
				full := v.violation(b.Rule, n, tr, byNumber)
				size, err := t.size("violation", full)
				if err != nil {
					return err
				}
				if size <= room {
					shown = full
					room -= size
				}
			}
			if shown.Short {
				p.Briefly = true
				size, err := t.size("violation", shown)
				if err != nil {
					return err
				}
				if brief -= size; brief < 0 {
					b.More++
					continue
				}
			}
			b.Violations = append(b.Violations, shown)
		}
	}
	return nil
}

// size is how much of the page something takes.
func (t *htmlPage) size(name string, data any) (int, error) {
	var n byteCount
	if err := t.ExecuteTemplate(&n, name, data); err != nil {
		return 0, fmt.Errorf("optest: writing a report as HTML: %w", err)
	}
	return int(n), nil
}

// byteCount counts what is written.
type byteCount int

func (n *byteCount) Write(p []byte) (int, error) {
	*n += byteCount(len(p))
	return len(p), nil
}
