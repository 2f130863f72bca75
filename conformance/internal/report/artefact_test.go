package report

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"

	"github.com/optest-dev/optest/conformance/internal/rules"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// judgedSample is the broken run with what the real rules find in it.
func judgedSample(t testing.TB, known ...func(*rules.Env)) *sample {
	s := brokenSample(t)
	for _, set := range known {
		set(s.env)
	}
	s.in = Input{Env: s.env, Driver: optestv1.ConformanceReport_ACTIVE, Events: len(s.events), Calls: s.events, Tool: "optest", Time: sampleStart}
	for _, r := range rules.Check(s.env, rules.All(), s.events) {
		s.in.Outcomes = append(s.in.Outcomes, Outcome{Result: r})
	}
	return s
}

// outcome is that of a rule.
func (s *sample) outcome(id string) *Outcome {
	for i := range s.in.Outcomes {
		if s.in.Outcomes[i].Rule.ID == id {
			return &s.in.Outcomes[i]
		}
	}
	s.t.Fatalf("no rule %s", id)
	return nil
}

func TestSave(t *testing.T) {
	s := judgedSample(t)
	rep := New(s.in)
	dir := filepath.Join(t.TempDir(), "out")
	if err := Save(dir, rep, s.in, s.events); err != nil {
		t.Fatal(err)
	}
	saved := 0
	for _, r := range rep.GetRules() {
		for _, n := range newView().distinct(r) {
			again := r.GetViolations()[n].GetReproduction()
			if again.GetTrace() == "" {
				continue
			}
			saved++
			traces, err := trace.Load(filepath.Join(dir, again.GetTrace()), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(traces[0].Events); got != int(again.GetEvents()) || got > 4 {
				t.Errorf("%s has %d calls, and the report says %d", again.GetTrace(), got, again.GetEvents())
			}
			env := *s.env
			env.Header = traces[0].Header
			found := rules.Check(&env, []*rules.Rule{rules.Find(r.GetId())}, traces[0].Events)[0]
			if len(found.Findings) == 0 {
				t.Errorf("%s shows nothing", again.GetTrace())
			}
			for _, name := range []string{again.GetTest(), again.GetScript()} {
				if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
					t.Error(err)
				}
			}
		}
	}
	for _, id := range []string{"OP-18", "LRO-01"} {
		if s.outcome(id).Verdict != rules.Fail {
			t.Errorf("the run does not break %s, want it to", id)
		}
	}
	if saved < 3 {
		t.Errorf("got files for %d findings, want some more", saved)
	}
	var b bytes.Buffer
	if err := WriteText(&b, rep, Text{}); err != nil {
		t.Fatal(err)
	}
	if want := "again OP-18-1.jsonl has the call that shows it, op_18_1_test.go is a test of them"; !strings.Contains(b.String(), want) {
		t.Errorf("got\n%s\nwant in it %s", b.String(), want)
	}
}

// The tests that are written compile and pass: what was found is found again by
// who has nothing but the trace.
func TestSavedTestsPass(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles a test, which takes seconds")
	}
	s := judgedSample(t, func(e *rules.Env) { e.World, e.Auth, e.Foreign, e.Window = true, true, "fv4-`foreign`\n", 0 })
	dir := t.TempDir()
	if err := Save(dir, New(s.in), s.in, s.events); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	cmd := exec.Command("go", append([]string{"test", "-v", "-count=1"}, files...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"--- PASS: TestOP18Finding1", "--- PASS: TestLRO01Finding1"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("got\n%s\nwant in it %s", out, want)
		}
	}
}

// The scripts make the calls of their traces, with the ids that the server gives.
func TestSavedScriptsMakeTheCalls(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash on PATH to run the script with")
	}
	s := brokenSample(t)
	image := s.call("reader-2", 22*time.Second, rules.MethodGetImage, &clouddesktop.GetDesktopImageRequest{ImageId: sampleImage}, &clouddesktop.DesktopImage{Id: sampleImage})
	image.Protocol, image.RequestCodec = optestv1.Event_CONNECT, optestv1.Event_JSON
	image.Request = trace.NewBlob([]byte(`{"imageId":"` + sampleImage + `"}`))
	odd := s.call("reader-2", 23*time.Second, rules.MethodGet, get(), s.op(time.Second))
	odd.Request = trace.NewBlob([]byte{0x0a, 0x02, 0xff, 0xfe}) // no tool for JSON sends that
	rest := slices.Clone(s.events)
	for i, e := range rest {
		if e.Called > 3*time.Second && e.Called < 18*time.Second {
			rest[i] = nil
		}
	}
	rest = slices.DeleteFunc(rest, func(e *trace.Event) bool { return e == nil })

	dir := t.TempDir()
	for name, stub := range map[string]string{
		"sleep": `echo "sleep $1" >>"$CALLS"`,
		"curl":  `cat >/dev/null; printf 'curl' >>"$CALLS"; printf ' [%s]' "$@" >>"$CALLS"; echo >>"$CALLS"; echo '{}'`,
		"grpcurl": `printf 'grpcurl' >>"$CALLS"; printf ' [%s]' "$@" >>"$CALLS"; echo >>"$CALLS"
case "$*" in *CopyFromDesktop) echo '{"id":"new-operation","metadata":{"imageId":"new-image"}}';; *) echo '{}';; esac`,
		"jq": `text=$(cat); case "$2" in .id) echo new-operation;; .metadata.imageId) echo new-image;; esac`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!"+bash+"\n"+stub+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	f := Found{Finding: rules.Finding{Text: "what was\nfound $(touch x)"}, Shortest: rest}
	script := script(&rules.Rule{ID: "OP-18", Title: "t"}, f, newReplayer(s.env.Header, nil).commands(rest))
	golden(t, "replay.sh", script)
	calls := filepath.Join(dir, "calls")
	cmd := exec.Command(bash, "-c", string(script))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"), "CALLS="+calls, "TOKEN=t0ken")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "replay.calls", got)
	if _, err := os.Stat(filepath.Join(dir, "x")); err == nil {
		t.Error("the script runs what the finding says")
	}
}

func TestSaveTellsOfFailure(t *testing.T) {
	s := judgedSample(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Save(filepath.Join(file, "dir"), New(s.in), s.in, s.events); err == nil || !strings.HasPrefix(err.Error(), "optest: making a directory for artefacts: ") {
		t.Errorf("got %v", err)
	}
}
