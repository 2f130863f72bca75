package mockserver

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/internal/nearest"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

var controlService = optestv1.File_optest_v1_control_proto.Services().ByName("ControlService")

// control serves optest.v1.ControlService. Its calls are about the session that
// their header names, and are in no journal.
func (s *Server) control() service {
	return service{
		desc:    controlService,
		control: true,
		plain: map[protoreflect.Name]plainMethod{
			"PutScenarios":   {access: guarded, handler: controlled(putScenarios)},
			"ListScenarios":  {access: guarded, handler: controlled(listScenarios)},
			"DeleteScenario": {access: guarded, handler: controlled(deleteScenario)},
			"Play":           {access: guarded, handler: controlled(playScenario)},
			"Inject":         {access: guarded, handler: controlled(injectFault)},
			"SetClock":       {access: guarded, handler: controlled(setClock)},
			"ListOperations": {access: guarded, handler: controlled(listOperations)},
			"ListCalls":      {access: guarded, handler: waiting(listCalls)},
			"WatchCalls":     {access: guarded, stream: watchCalls},
			"VerifyCalls":    {access: guarded, handler: controlled(verifyCalls)},
			"Reset":          {access: guarded, handler: controlled(resetSession)},
			"SaveState":      {access: guarded, handler: controlled(saveState)},
			"LoadState":      {access: guarded, handler: controlled(loadState)},
		},
	}
}

// controlled gives a control method its request's type.
func controlled[Request, Response proto.Message](do func(*call, Request) (Response, error)) handler {
	return waiting(func(_ context.Context, c *call, req Request) (Response, error) { return do(c, req) })
}

// waiting is controlled for methods that may take time.
func waiting[Request, Response proto.Message](do func(context.Context, *call, Request) (Response, error)) handler {
	return func(ctx context.Context, c *call, request proto.Message) (proto.Message, error) {
		req, ok := request.(Request)
		if !ok {
			return nil, fmt.Errorf("request of type %T, want %T", request, req)
		}
		response, err := do(ctx, c, req)
		if err != nil {
			return nil, err
		}
		return response, nil
	}
}

// refused is an error of the caller's making.
func refused(err error) error {
	if e := (*connect.Error)(nil); errors.As(err, &e) {
		return err
	}
	return connect.NewError(connect.CodeInvalidArgument, err.Error())
}

func putScenarios(c *call, req *optestv1.PutScenariosRequest) (*optestv1.PutScenariosResponse, error) {
	list, err := playable("scenarios", req.GetScenarios())
	if err != nil {
		return nil, err
	}
	if text := req.GetYaml(); text != "" {
		more, err := c.server.config.scenariosOf(text)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	if len(list) == 0 {
		return nil, invalid("scenarios", "want at least one, or yaml")
	}
	if n := len(c.session.repertoire.added()) + len(list); n > maxScenarios {
		return nil, tooMany("scenarios", n, maxScenarios)
	}
	c.session.repertoire.add(list...)
	response := &optestv1.PutScenariosResponse{}
	for _, p := range list {
		response.Names = append(response.Names, p.name())
	}
	return response, nil
}

// playable makes scenarios ready that requests can ask for. They are those of a
// request's field.
func playable(field string, scenarios []*optestv1.Scenario) ([]*playing, error) {
	var list []*playing
	for i, scenario := range scenarios {
		if scenario.GetName() == "" {
			return nil, invalid(fmt.Sprintf("%s[%d].name", field, i), "want the name that requests ask for it by")
		}
		p, err := newPlaying(scenario)
		if err != nil {
			return nil, refused(err)
		}
		list = append(list, p)
	}
	return list, nil
}

// scenariosOf are those of a YAML text.
func (c config) scenariosOf(text string) ([]*playing, error) {
	if c.parseYAML == nil {
		return nil, ownFailure(connect.CodeFailedPrecondition, ReasonNoYAML,
			"yaml is not read by this server, want scenarios as messages, the optest program, or a server with mockserver.ParseYAML")
	}
	scenarios, err := c.parseYAML([]byte(text))
	if err != nil {
		return nil, invalid("yaml", "%v", err)
	}
	return playable("yaml", scenarios)
}

// maxScenarios bounds what clients can put in a session.
const maxScenarios = 10_000

func tooMany(what string, n, most int) error {
	return ownFailure(connect.CodeResourceExhausted, ReasonLimit, fmt.Sprintf("%d %s, want at most %d: reset the session", n, what, most))
}

func listScenarios(c *call, req *optestv1.ListScenariosRequest) (*optestv1.ListScenariosResponse, error) {
	response := &optestv1.ListScenariosResponse{}
	own := map[string]bool{}
	for _, p := range c.session.repertoire.added() {
		response.Scenarios = append(response.Scenarios, p.scenario)
		own[p.name()] = true
	}
	if p := c.session.repertoire.defaultScenario(); p != nil {
		response.DefaultName = p.name()
	}
	if req.GetIncludeCatalogue() {
		for scenario := range fixtures.All() {
			if !own[scenario.GetName()] {
				response.Scenarios = append(response.Scenarios, scenario)
			}
		}
	}
	return response, nil
}

func deleteScenario(c *call, req *optestv1.DeleteScenarioRequest) (*optestv1.DeleteScenarioResponse, error) {
	if !c.session.repertoire.drop(req.GetName()) {
		return nil, noSuchScenario(c.session, req.GetName())
	}
	return &optestv1.DeleteScenarioResponse{}, nil
}

func noSuchScenario(ss *session, name string) error {
	names := fixtures.Names()
	for _, p := range ss.repertoire.added() {
		names = append(names, p.name())
	}
	message := fmt.Sprintf("optest: no scenario %s", quoted(name))
	if near := nearest.Few(name, names, 3); len(near) > 0 {
		message += ", did you mean " + strings.Join(near, " or ")
	}
	return connect.NewError(connect.CodeNotFound, message)
}

// scenarioNamed is a playing of its own, with counters that begin anew.
func scenarioNamed(ss *session, name string) (*playing, error) {
	for _, p := range ss.repertoire.added() {
		if p.name() == name {
			return newPlaying(p.scenario)
		}
	}
	if scenario, ok := fixtures.Get(name); ok {
		return newPlaying(scenario)
	}
	return nil, noSuchScenario(ss, name)
}

func playScenario(c *call, req *optestv1.PlayRequest) (*optestv1.PlayResponse, error) {
	if req.GetName() != "" && req.GetScenario() != nil {
		return nil, invalid("name", "is there beside scenario, want one of them")
	}
	waiting, matching := c.session.repertoire.sizes()
	if n := waiting + len(req.GetScript()); n > maxScenarios {
		return nil, tooMany("scenarios in the script", n, maxScenarios)
	}
	if matching >= maxScenarios && req.GetScenario().GetMatch() != nil {
		return nil, tooMany("scenarios that say what they match", matching+1, maxScenarios)
	}
	var script []*playing
	for _, name := range req.GetScript() {
		p, err := scenarioNamed(c.session, name)
		if err != nil {
			return nil, err
		}
		script = append(script, p)
	}
	switch {
	case req.GetName() != "":
		p, err := scenarioNamed(c.session, req.GetName())
		if err != nil {
			return nil, err
		}
		c.session.repertoire.play(p)
	case req.GetScenario() != nil:
		p, err := newPlaying(req.GetScenario())
		if err != nil {
			return nil, refused(err)
		}
		c.session.repertoire.play(p)
	case len(script) == 0:
		c.session.repertoire.play(nil)
	}
	c.session.repertoire.enqueue(script...)
	return &optestv1.PlayResponse{}, nil
}

func injectFault(c *call, req *optestv1.InjectRequest) (*optestv1.InjectResponse, error) {
	if req.GetFault() == nil {
		return nil, invalid("fault", "want what goes wrong")
	}
	if err := c.session.injected.add(req); err != nil {
		return nil, refused(err)
	}
	return &optestv1.InjectResponse{}, nil
}

func setClock(c *call, req *optestv1.SetClockRequest) (*optestv1.SetClockResponse, error) {
	clock := c.session.clock
	if d := req.GetAdvance(); d != nil {
		if !d.IsValid() || d.AsDuration() < 0 {
			return nil, invalid("advance", "got %v, want a duration of 0s or more: the clock goes forward only", d.AsDuration())
		}
		clock.advance(d.AsDuration())
	}
	if speed := req.GetSpeed(); speed != 0 {
		if math.IsNaN(speed) || speed < 0 || speed > MaxSpeed {
			return nil, invalid("speed", "got %v, want more than 0 and at most %d", speed, MaxSpeed)
		}
		clock.run(speed)
	}
	now, speed := clock.read()
	return &optestv1.SetClockResponse{Now: timestamppb.New(now), Speed: speed}, nil
}

func resetSession(c *call, req *optestv1.ResetRequest) (*optestv1.ResetResponse, error) {
	if _, ok := optestv1.ResetRequest_Scope_name[int32(req.GetScope())]; !ok {
		return nil, invalid("scope", "got %d, want one of ALL, OPERATIONS, COUNTERS, FAULTS, CALLS", req.GetScope())
	}
	if err := c.server.reset(c.session, req.GetScope(), req.GetScenario()); err != nil {
		return nil, err
	}
	return &optestv1.ResetResponse{}, nil
}
