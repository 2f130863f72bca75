package zoo

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/judge/honest"
	"github.com/optest-dev/optest/mockserver"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Server is one of the zoo.
type Server struct {
	Name string
	// Odd is what it does, and Allowed why it may.
	Odd, Allowed string
	// Told are rules that may warn, because what they tell is so.
	Told []string
	// Window is how long after a write its reads may miss it.
	Window time.Duration
	// Changes make it of the honest server. Nil: it is the mock server.
	Changes []honest.Change
	// Around is what stands in front of it.
	Around []func(http.Handler) http.Handler
}

// Start makes it, in memory, until the test ends.
func (s Server) Start(tb testing.TB) conformance.Target {
	if s.Changes == nil {
		return Mock(tb)
	}
	return honest.New(s.Changes...).Start(tb, s.Around...)
}

// Servers are all of them.
func Servers() []Server {
	return []Server{
		{
			Name: "reference-mock", Odd: "is the mock server", Allowed: "it is what the contract says",
		},
		{
			Name: "eventual", Odd: "reads go to replicas that lag by up to 4 s", Allowed: "the vendor's own SDK takes a new operation for not yet known on all replicas", Window: 5 * time.Second,
			Changes: []honest.Change{lags},
		},
		{
			Name: "second-precision", Odd: "stamps have no fractions of a second", Allowed: "no sentence says how fine a timestamp is",
			Changes: []honest.Change{seconds},
		},
		{
			Name: "newer", Told: []string{"OP-16"}, Odd: "messages have new fields, images new statuses, errors details of a new type", Allowed: "proto3 lets a server be newer than its client",
			Changes: []honest.Change{newer},
		},
		{
			Name: "cancel-refused", Odd: "Cancel is refused with FAILED_PRECONDITION", Allowed: "Cancel works on a best effort basis",
			Changes: []honest.Change{cancelsNothing},
		},
		{
			Name: "success-wins", Odd: "Cancel takes 15 s to have an effect, and what ends earlier succeeds", Allowed: "Cancel does not guarantee that the operation will be cancelled",
			Changes: []honest.Change{cancelsLate},
		},
		{
			Name: "long-rollback", Odd: "an error shows for hours before the operation is done", Allowed: "the operation is completed only when the service is back in its previous state",
			Changes: []honest.Change{rollsBack},
		},
		{
			Name: "replays", Odd: "any text is a key, and a key that was there before is answered whatever else is asked", Allowed: "the server returns the operation of the key with its current status",
			Changes: []honest.Change{replays},
		},
		{
			Name: "skewed-clocks", Odd: "images are stamped 2 s ahead of or behind their operations", Allowed: "two services have two clocks",
			Changes: []honest.Change{skewed},
		},
		{
			Name: "renders-now", Odd: "old responses show their image as it is now", Allowed: "the response should be the target resource",
			Changes: []honest.Change{rendersNow},
		},
		{
			Name: "forbids", Odd: "unknown ids are PERMISSION_DENIED", Allowed: "who may not see a resource need not learn that there is none",
			Changes: []honest.Change{forbids},
		},
		{
			Name: "stalls", Odd: "some answers take 5 s", Allowed: "no sentence says how fast a server is",
			Changes: []honest.Change{stalls},
		},
		{
			Name: "instant", Odd: "operations are done in the first answer", Allowed: "no sentence says how long an operation takes",
			Changes: []honest.Change{instant},
		},
		{
			Name: "unique-names", Odd: "names are unique in a folder, and made up where none is given", Allowed: "the contract does not say what becomes of a name that is taken",
			Changes: []honest.Change{names},
		},
		{
			Name: "spelled-out", Odd: "JSON has also what is empty, and null for what is not there", Allowed: "ProtoJSON lets an encoder write defaults, and a parser takes null for absent",
			Changes: []honest.Change{spellsOut},
		},
	}
}

// Mock is the mock server, with further options. The life that it plays says nothing
// of its progress: as some services do, scenarios of the catalogue tell it in the
// description.
func Mock(tb testing.TB, opts ...mockserver.Option) conformance.Target {
	tb.Helper()
	hint := "30"
	response, err := structpb.NewStruct(map[string]any{"storage_size": "9007199254740993"}) // more than a double counts one by one
	if err != nil {
		tb.Fatal(err)
	}
	works := &optestv1.Scenario{Name: honest.Works, Timeline: []*optestv1.Step{
		{When: &optestv1.Step_At{At: durationpb.New(0)}, PollHint: &hint},
		{When: &optestv1.Step_At{At: durationpb.New(10 * time.Minute)}, Effect: &optestv1.Step_Succeed{Succeed: &optestv1.Succeed{Response: response}}},
	}}
	srv := mockserver.New(tb, append([]mockserver.Option{mockserver.Token(honest.Token), mockserver.Scenarios(works)}, opts...)...)
	transport, ok := srv.Client().Transport.(*http.Transport)
	if !ok {
		tb.Fatal("the mock server's client has no http.Transport")
	}
	return conformance.Target{
		Dial:  func(ctx context.Context) (net.Conn, error) { return transport.DialContext(ctx, "tcp", "") },
		Token: honest.Token, Folder: "b1gzoo0000folder0000", Foreign: "opr99999999999999999", Subject: "ajeoptestuser0000000",
		Desktops: conformance.Desktops{Succeeds: honest.Works, Fails: "quota-exceeded", FailsLate: "early-error", Absent: honest.Absent},
	}
}
