// Package waivers reads files of failures that are known.
package waivers

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/optest-dev/optest/cmd/optest/internal/suggest"
	"github.com/optest-dev/optest/conformance"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Load reads a file such as
//
//	waivers:
//	  - rule: LRO-08
//	    reason: The stamp is that of the database, which rounds
//	    until: 2027-03-31
//	    link: https://example.com/issues/7
//
// A waiver can be for some servers only, with a target whose * stands for any
// text. An error has a line for each mistake, as file:line:column: message.
func Load(path string) (*optestv1.Waivers, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--waivers: %w", err)
	}
	defer f.Close()
	source, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("--waivers: %w", err)
	}
	return Parse(path, source)
}

// Parse is Load for a file that was read. A file without anything in it has no
// waivers.
func Parse(name string, source []byte) (*optestv1.Waivers, error) {
	r := &reader{name: name, waivers: &optestv1.Waivers{}, taken: map[[2]string]position{}}
	for _, rule := range conformance.AllRules() {
		r.rules = append(r.rules, rule.ID)
	}
	if body := r.syntax(source); body != nil {
		r.document(body)
	}
	if len(r.mistakes) > 0 {
		return nil, r.err()
	}
	return r.waivers, nil
}

type reader struct {
	name     string
	waivers  *optestv1.Waivers
	mistakes []mistake
	taken    map[[2]string]position // by rule and target
	rules    []string
}

// mistake is one thing that is wrong with a file.
type mistake struct {
	at      position
	message string
}

// maxMistakes is more than anyone reads.
const maxMistakes = 100

func (r *reader) failAt(at position, format string, args ...any) {
	if len(r.mistakes) < maxMistakes {
		r.mistakes = append(r.mistakes, mistake{at, fmt.Sprintf(format, args...)})
	}
}

func (r *reader) fail(at ast.Node, format string, args ...any) {
	r.failAt(positionOf(at), format, args...)
}

// err is all mistakes, in the order of the file.
func (r *reader) err() error {
	slices.SortStableFunc(r.mistakes, func(a, b mistake) int {
		return cmp.Or(cmp.Compare(a.at.line, b.at.line), cmp.Compare(a.at.column, b.at.column))
	})
	var list []error
	for _, m := range r.mistakes {
		list = append(list, fmt.Errorf("%s:%d:%d: %s", r.name, m.at.line, m.at.column, m.message))
	}
	return errors.Join(list...)
}

func (r *reader) document(body ast.Node) {
	pairs, ok := r.pairs(body, "a mapping with waivers", []string{"waivers"})
	if !ok {
		return
	}
	for _, p := range pairs {
		list, ok := p.value.(*ast.SequenceNode)
		if !ok {
			r.fail(p.value, "waivers is no list, want one, each with rule, reason and until")
			continue
		}
		for _, element := range list.Values {
			r.waiver(element)
		}
	}
}

// pair is an entry of a mapping.
type pair struct {
	name       string
	key, value ast.Node
}

// pairs are those entries of a mapping whose key is one of the names, each once.
// It reports false for what is none.
func (r *reader) pairs(node ast.Node, want string, names []string) (list []pair, ok bool) {
	var values []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		r.fail(node, "%s, want %s", kindOf(node), want)
		return nil, false
	}
	first := map[string]position{}
	for _, v := range values {
		name, isText := text(v.Key)
		switch before, twice := first[name]; {
		case !isText:
			r.fail(v.Key, "%s as a key, want %s", kindOf(v.Key), suggest.Or(names))
			continue
		case !slices.Contains(names, name):
			message := fmt.Sprintf("unknown field %s, want %s", quote(name), suggest.Or(names))
			if meant := suggest.Meant(name, "", names); meant != "" {
				message = fmt.Sprintf("unknown field %s, %s", quote(name), meant)
			}
			r.fail(v.Key, "%s", message)
			continue
		case twice:
			r.fail(v.Key, "%s is there twice, first in line %d, want it once", name, before.line)
			continue
		}
		first[name] = positionOf(v.Key)
		list = append(list, pair{name, v.Key, v.Value})
	}
	return list, true
}

var fields = []string{"rule", "target", "reason", "until", "link"}

func (r *reader) waiver(element ast.Node) {
	pairs, ok := r.pairs(element, "a mapping of "+strings.Join(fields, ", "), fields)
	if !ok {
		return
	}
	w := &optestv1.Waiver{}
	for _, p := range pairs {
		value, ok := text(p.value)
		if !ok {
			r.fail(p.value, "%s is no text but %s", p.name, kindOf(p.value))
			continue
		}
		r.set(w, p.name, value, p.value)
	}
	for _, name := range []string{"rule", "reason", "until"} {
		if !slices.ContainsFunc(pairs, func(p pair) bool { return p.name == name }) {
			r.fail(element, "a waiver without %s, want it: an exception has a reason and an end", name)
		}
	}
	at := positionOf(element)
	if before, twice := r.taken[[2]string{w.GetRule(), w.GetTarget()}]; twice && w.GetRule() != "" {
		r.failAt(at, "a second waiver for %s, the first is in line %d, want one with both reasons", w.GetRule(), before.line)
	}
	r.taken[[2]string{w.GetRule(), w.GetTarget()}] = at
	r.waivers.Waivers = append(r.waivers.Waivers, w)
}

func (r *reader) set(w *optestv1.Waiver, name, value string, at ast.Node) {
	switch name {
	case "rule":
		if !slices.Contains(r.rules, value) {
			message := "there is no rule " + quote(value)
			if meant := suggest.Meant(value, "", r.rules); meant != "" {
				message += ", " + meant
			}
			r.fail(at, "%s", message)
		}
		w.Rule = value
	case "target":
		if _, err := path.Match(value, ""); err != nil {
			r.fail(at, "target %s is no pattern, want one such as *.example.com*", quote(value))
		}
		w.Target = value
	case "reason":
		if strings.TrimSpace(value) == "" {
			r.fail(at, "reason is empty, want why the failure is accepted")
		}
		w.Reason = strings.TrimSpace(value)
	case "until":
		if _, err := time.Parse(time.DateOnly, value); err != nil {
			r.fail(at, "until %s, want the last day such as 2027-01-31", quote(value))
		}
		w.Until = value
	case "link":
		w.Link = value
	}
}

// text is a scalar as it stands in the file.
func text(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// kindOf says what a node is.
func kindOf(node ast.Node) string {
	switch n := node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode, nil:
		return "nothing"
	case *ast.AnchorNode, *ast.AliasNode:
		return "an anchor or an alias"
	case *ast.TagNode:
		return "a tag"
	case *ast.MergeKeyNode:
		return "a merge key"
	case *ast.StringNode:
		return "the text " + quote(n.Value)
	}
	return "something else"
}

// quote shortens what comes from a file to what a message can hold.
func quote(s string) string {
	const longest = 60
	if runes := []rune(s); len(runes) > longest {
		return strconv.Quote(string(runes[:longest])) + "…"
	}
	return strconv.Quote(s)
}
