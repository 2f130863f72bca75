package mockserver

import (
	"errors"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// linesAsScenarios is a parser: each line names a scenario that is never done.
func linesAsScenarios(text []byte) ([]*optestv1.Scenario, error) {
	var list []*optestv1.Scenario
	for line := range strings.SplitSeq(string(text), "\n") {
		switch line {
		case "wrong":
			return nil, errors.New("yaml:1:1: is wrong, want another word")
		case "broken":
			list = append(list, &optestv1.Scenario{Name: line})
		case "nothing":
			list = append(list, nil)
		default:
			list = append(list, NeverDone().Named(line).Forever())
		}
	}
	return list, nil
}

func TestPutScenariosAsYAML(t *testing.T) {
	s := New(t, ParseYAML(linesAsScenarios))
	put := func(yaml string, scenarios ...*optestv1.Scenario) (string, error) {
		response, err := controlOf(s).PutScenarios(t.Context(), &optestv1.PutScenariosRequest{Scenarios: scenarios, Yaml: yaml})
		return strings.Join(response.GetNames(), " "), err
	}
	if got, err := put("one\ntwo"); err != nil || got != "one two" {
		t.Errorf("put %s, %v, want one two", got, err)
	}
	if got, err := put("three", Running(0).Named("message").Succeed()); err != nil || got != "message three" {
		t.Errorf("put %s, %v, want message three", got, err)
	}
	if got := playedInTurn(t, s, "one", "two", "three", "message"); got != "one two three message" {
		t.Errorf("got %s, want all of them", got)
	}
	fine := NeverDone().Named("fine").Forever()
	for yaml, want := range map[string]string{
		"wrong":           "Illegal argument yaml: yaml:1:1: is wrong, want another word",
		"better\nbroken":  `scenario "broken" can't be played`,
		"better\nnothing": "Illegal argument yaml[1].name: want the name",
	} {
		if _, err := put(yaml, fine); connect.CodeOf(err) != connect.CodeInvalidArgument || !strings.Contains(err.Error(), want) {
			t.Errorf("put %q got %v, want INVALID_ARGUMENT with %q", yaml, err, want)
		}
	}
	if _, err := put("better", &optestv1.Scenario{Name: "broken"}); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("with a message that is wrong got %v, want INVALID_ARGUMENT", err)
	}
	if got := playedInTurn(t, s, "fine", "better"); got != "none none" {
		t.Errorf("got %s, want nothing of what was refused", got)
	}
}

func TestPutScenariosAsYAMLWithoutAParser(t *testing.T) {
	s := New(t)
	_, err := controlOf(s).PutScenarios(t.Context(), &optestv1.PutScenariosRequest{
		Scenarios: []*optestv1.Scenario{NeverDone().Named("fine").Forever()}, Yaml: "name: mine",
	})
	if connect.CodeOf(err) != connect.CodeFailedPrecondition || !strings.Contains(err.Error(), "mockserver.ParseYAML") {
		t.Errorf("got %v, want FAILED_PRECONDITION that names the option", err)
	}
	if got := playedInTurn(t, s, "fine"); got != "none" {
		t.Errorf("got %s, want nothing put", got)
	}
}
