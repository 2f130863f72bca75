package mockserver

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"io"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Option configures a Server. The defaults are right for a test: in memory, no
// authentication, real time, the catalogue's scenarios playable by name.
type Option interface{ apply(*config) }

type config struct {
	listen        string
	tls           *tls.Config
	selfSigned    bool
	token         string
	speed         float64
	seed          uint64
	plain         bool
	scenarios     []*optestv1.Scenario
	byDefault     *optestv1.Scenario
	parseYAML     func([]byte) ([]*optestv1.Scenario, error) // nil: YAML is refused
	services      []protoreflect.ServiceDescriptor
	maxOperations int
	maxBody       int
	journal       int
	observe       func(Call)
	trace         io.Writer
}

func newConfig(opts []Option) (config, error) {
	var c config
	for _, o := range opts {
		o.apply(&c)
	}
	c.speed = cmp.Or(c.speed, 1)
	c.maxOperations = cmp.Or(c.maxOperations, DefaultMaxOperations)
	c.maxBody = cmp.Or(c.maxBody, DefaultMaxBody)
	c.journal = cmp.Or(c.journal, DefaultJournal)
	for _, bound := range []struct {
		name string
		n    int
	}{{"MaxOperations", c.maxOperations}, {"MaxBody", c.maxBody}, {"Journal", c.journal}} {
		if bound.n < 1 {
			return c, fmt.Errorf("optest: %s %d, want 1 or more", bound.name, bound.n)
		}
	}
	if !(c.speed > 0 && c.speed <= MaxSpeed) {
		return c, fmt.Errorf("optest: Speed %v, want more than 0 and at most %d", c.speed, MaxSpeed)
	}
	return c, nil
}

// Bounds that hold unless an option says otherwise.
const (
	DefaultMaxOperations = 1 << 20
	DefaultMaxBody       = 4 << 20 // bytes
	DefaultJournal       = 2048    // calls
	maxHeader            = 64 << 10
)

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// Listen serves a TCP port, such as "127.0.0.1:0" for a free one, instead of
// memory. An address that is not loopback needs a [Token] as well.
func Listen(address string) Option { return optionFunc(func(c *config) { c.listen = address }) }

// TLS serves TLS with the given certificates beside plaintext on the same port.
func TLS(cfg *tls.Config) Option { return optionFunc(func(c *config) { c.tls = cfg }) }

// SelfSigned serves TLS beside plaintext with a certificate that the server
// makes for localhost and the loopback addresses. [Server.RootPEM] is its root.
func SelfSigned() Option { return optionFunc(func(c *config) { c.selfSigned = true }) }

// Token requires every call to carry `authorization: Bearer` with this token;
// others are UNAUTHENTICATED. The endpoint and token services, health and
// reflection are open: they are how a client gets that far.
func Token(token string) Option { return optionFunc(func(c *config) { c.token = token }) }

// MaxSpeed bounds how much faster than real time a server's clock can run.
const MaxSpeed = 1_000_000

// Speed makes the server's clock run so many times faster than real time.
func Speed(factor float64) Option { return optionFunc(func(c *config) { c.speed = factor }) }

// Seed settles everything that is drawn: ids, jitter, probabilities. A server
// made by [New] derives it from the test's name.
func Seed(seed uint64) Option { return optionFunc(func(c *config) { c.seed = seed }) }

// WithoutHeaders leaves out the headers that say what played an answer
// (x-optest-scenario, x-optest-step, x-optest-fault).
func WithoutHeaders() Option { return optionFunc(func(c *config) { c.plain = true }) }

// Scenarios adds scenarios beside the catalogue's. One of the same name takes
// the catalogue's place.
func Scenarios(s ...*optestv1.Scenario) Option {
	return optionFunc(func(c *config) { c.scenarios = append(c.scenarios, s...) })
}

// ParseYAML has the server read scenarios that clients put as YAML
// (`yaml` of optest.v1.PutScenariosRequest), with the parser given; without one it
// refuses them. Its error goes to the client. The package imports no parser
// itself, so that a test's module needs none: package
// fixtures/scenariofile has the one that the optest program uses.
//
//	mockserver.ParseYAML(func(text []byte) ([]*optestv1.Scenario, error) {
//		return scenariofile.Parse("yaml", text)
//	})
//
// The parser must be safe for concurrent use.
func ParseYAML(parse func(source []byte) ([]*optestv1.Scenario, error)) Option {
	return optionFunc(func(c *config) { c.parseYAML = parse })
}

// Default is the scenario of requests that match no other.
func Default(s *optestv1.Scenario) Option { return optionFunc(func(c *config) { c.byDefault = s }) }

// Services adds services beside DesktopImageService. Their methods that return
// an Operation play scenarios, with the metadata and response types of their
// `yandex.cloud.api.operation` annotation; others are UNIMPLEMENTED. The
// package of their Go messages must be linked in.
func Services(s ...protoreflect.ServiceDescriptor) Option {
	return optionFunc(func(c *config) { c.services = append(c.services, s...) })
}

// MaxOperations bounds how many operations are kept. A call beyond it gets
// RESOURCE_EXHAUSTED with the reason LIMIT.
func MaxOperations(n int) Option { return optionFunc(func(c *config) { c.maxOperations = n }) }

// MaxBody bounds a request message, in bytes. Control calls, which may carry the
// state of a whole session, may have 64 MiB in any case.
func MaxBody(bytes int) Option { return optionFunc(func(c *config) { c.maxBody = bytes }) }

// Journal bounds how many calls [Server.Calls] remembers. The oldest are
// forgotten first.
func Journal(calls int) Option { return optionFunc(func(c *config) { c.journal = calls }) }

// Observe calls f after every call that the server has answered. It must be
// safe for concurrent use and not wait for the server.
func Observe(f func(Call)) Option { return optionFunc(func(c *config) { c.observe = f }) }

// closeGrace bounds how long Close waits for calls under way, in real time.
const closeGrace = 5 * time.Second
