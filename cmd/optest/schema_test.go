package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/fixtures/scenariofile"
	"github.com/optest-dev/optest/internal/draw"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// compiledSchema also holds the schema against that of its draft.
func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	const url = "optest:scenario"
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(fixtures.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(url, document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile(url)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// fits says what is wrong with a YAML document by the schema.
func fits(compiled *jsonschema.Schema, document []byte) error {
	var value any
	if err := yaml.Unmarshal(document, &value); err != nil {
		return err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return compiled.Validate(instance)
}

func TestFixturesFitTheSchema(t *testing.T) {
	compiled := compiledSchema(t)
	for _, name := range fixtures.Names() {
		file, source, _ := fixtures.Source(name)
		if err := fits(compiled, source); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// Odd forms that the loader reads, and forms that it refuses: the schema says the
// same of them.
func TestSchemaSaysWhatTheLoaderSays(t *testing.T) {
	const ends = "timeline: [{at: 1s, succeed: {}}]\n"
	compiled := compiledSchema(t)
	for _, tt := range []struct {
		name, yaml string
		right      bool
	}{
		{"text as a number", "name: a\nsummary: 5\ntimeline: [{at: 0s, poll_hint: 5, description: 1.50}, {at: 1s, succeed: {}}]\n", true},
		{"text as a boolean", "name: a\nsummary: true\n" + ends, true},
		{"numbers as text", "name: a\ntimeline: [{poll: '3', progress: \"5\", succeed: {}}]\nfaults: [{on: GET, probability: '.5', hang: {}}]\n", true},
		{"a boolean as text", "name: a\nnever_done: 'True'\n", true},
		{"codes as numbers", "name: a\ntimeline: [{at: 0s, fail: {code: 99}}]\nviolates: [OP-10]\nexpect: {outcome: FAILED, code: '404'}\n", true},
		{"durations", "name: a\ntimeline: [{at: 100ms}, {at: 1.5s}, {at: .5m}, {at: 2h30m}, {at: +1us}, {at: 1µs1ns}, {at: 10h, succeed: {}}]\n", true},
		{"details", "name: a\ntimeline: [{at: 0s, fail: {code: ABORTED, details: [{'@type': type.googleapis.com/google.rpc.RetryInfo, retry_delay: 10s}]}}]\n", true},
		{"free fields", "name: a\ntimeline: [{at: 1s, succeed: {response: {labels: {a: b}, storage_size: '5', name: b}}}]\nviolates: [IMG-04]\n", true},
		{"maps", "name: a\nmatch: {fields: {labels.team: 5, desktop_id: ''}, headers: {x-a: true}}\n" + ends, true},
		{"empty messages", "name: a\nmatch: {}\ncancel: {ignore: {}}\n" + ends, true},
		{"one of each oneof", "name: a\ntimeline: [{at: 1s, poll_hint: 1}, {poll: 1, succeed: {}}]\n", true},

		{"no name", ends, false},
		{"no mapping", "[a]\n", false},
		{"an unknown field", "name: a\ntimelime: []\n" + ends, false},
		{"an unknown field inside", "name: a\ntimeline: [{at: 1s, succed: {}}]\n", false},
		{"a JSON name", "name: a\nneverDone: true\n", false},
		{"nothing", "name: a\ntimeline: [{at: 1s, succeed: }]\n", false},
		{"nothing as text", "name: ~\n" + ends, false},
		{"a list for text", "name: [a]\n" + ends, false},
		{"a mapping for text", "name: {a: b}\n" + ends, false},
		{"text for a list", "name: a\nviolates: OP-08\n" + ends, false},
		{"a mapping for a list", "name: a\ntimeline: {at: 1s, succeed: {}}\n", false},
		{"text for a mapping", "name: a\nexpect: SUCCEEDED\n" + ends, false},
		{"a list for a mapping", "name: a\nmatch: {fields: [desktop_id]}\n" + ends, false},
		{"text for a boolean", "name: a\nnever_done: 'yes'\n", false},
		{"a number for a boolean", "name: a\nnever_done: 1\n", false},
		{"a negative number", "name: a\ntimeline: [{poll: -1, succeed: {}}]\n", false},
		{"a negative number as text", "name: a\ntimeline: [{poll: '-1', succeed: {}}]\n", false},
		{"a number too large", "name: a\ntimeline: [{poll: 4294967296, succeed: {}}]\n", false},
		{"a fraction", "name: a\ntimeline: [{poll: 1.5, succeed: {}}]\n", false},
		{"text for a number", "name: a\nfaults: [{on: GET, probability: half, hang: {}}]\n" + ends, false},
		{"an unknown enum value", "name: a\nexpect: {outcome: SUCEEDED}\n" + ends, false},
		{"an enum value in lower case", "name: a\nfaults: [{on: get, hang: {}}]\n" + ends, false},
		{"an enum value as a number", "name: a\nfaults: [{on: 2, hang: {}}]\n" + ends, false},
		{"an unknown code", "name: a\nexpect: {outcome: FAILED, code: ABORTTED}\n" + ends, false},
		{"a code too large", "name: a\nexpect: {outcome: FAILED, code: 2147483648}\n" + ends, false},
		{"two moments", "name: a\ntimeline: [{at: 1s, poll: 1, succeed: {}}]\n", false},
		{"two effects", "name: a\ntimeline: [{at: 1s, fail: {code: ABORTED}, succeed: {}}]\n", false},
		{"two policies", "name: a\ncancel: {ignore: {}, refuse: {}}\n" + ends, false},
		{"two faults in one", "name: a\nfaults: [{on: GET, hang: {}, delay: {by: 1s}}]\n" + ends, false},
		{"a duration without a unit", "name: a\ntimeline: [{at: 20, succeed: {}}]\n", false},
		{"a duration as text without a unit", "name: a\ntimeline: [{at: '20', succeed: {}}]\n", false},
		{"a duration in days", "name: a\ntimeline: [{at: 2d, succeed: {}}]\n", false},
		{"no type of a detail", "name: a\ntimeline: [{at: 0s, fail: {code: ABORTED, details: [{retry_delay: 10s}]}}]\n", false},
		{"a type without a prefix", "name: a\ntimeline: [{at: 0s, fail: {code: ABORTED, details: [{'@type': google.rpc.RetryInfo}]}}]\n", false},
		{"bytes that are none", "name: a\nfaults: [{on: GET, answer: {append_raw: 'a'}}]\n" + ends, false},
		{"a list for free fields", "name: a\ntimeline: [{at: 1s, metadata: [a]}, {at: 2s, succeed: {}}]\n", false},
	} {
		_, loadErr := scenariofile.Parse("x.yaml", []byte(tt.yaml))
		if (loadErr == nil) != tt.right {
			t.Errorf("%s: the loader says %v, want right: %v", tt.name, loadErr, tt.right)
		}
		if err := fits(compiled, []byte(tt.yaml)); (err == nil) != tt.right {
			t.Errorf("%s: the schema says %v, want right: %v", tt.name, err, tt.right)
		}
	}
}

// Whatever has the form of a scenario fits, valid or not.
func TestAnyScenarioFitsTheSchema(t *testing.T) {
	compiled := compiledSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		s := draw.Anything(t)
		s.Name = "any"
		for _, f := range s.GetFaults() {
			// In a list, what stands for an absent value has a name, which the
			// validator refuses.
			for i, p := range f.GetProtocols() {
				f.Protocols[i] = max(p, optestv1.Fault_GRPC)
			}
		}
		text, err := scenariofile.Marshal(s)
		if err != nil {
			t.Skip(err)
		}
		if err := fits(compiled, text); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	})
}
