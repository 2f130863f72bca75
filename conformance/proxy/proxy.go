// Package proxy stands between clients and a server and holds the server against
// the contract of long-running operations, with sight of every byte:
//
//	p := proxy.New(t, "http://127.0.0.1:8080")
//	// clients use p.URL() instead
//
// What passes is not changed: bodies, headers, trailers, half answers and broken
// ones, each over the version of HTTP that the client speaks. Each connection of a
// client has connections of its own to the server, so that what a server ties to
// them stays so.
//
// What net/http lets nobody do is not done: the order and case of a header's names
// is lost, a stream that the server resets is reset with a code of net/http's own,
// a connection that it closes is closed at the next request, and over HTTP/2 a
// client that waits to be asked for its body is asked at once. Upgrades are
// refused.
package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/internal/observer"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Proxy is safe for concurrent use.
type Proxy struct {
	upstream *url.URL
	config   *config
	observer *observer.Observer
	server   *http.Server
	front    *front
	served   chan struct{} // closed when the server accepts no more
	rootPEM  []byte
	underWay underWay

	mu     sync.Mutex
	links  map[net.Conn]*link
	linked int // ever

	closing  sync.Once
	closeErr error
}

// Option configures a Proxy.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	observer.Config
	listen      string
	tls         *tls.Config
	selfSigned  bool
	dial        func(context.Context) (net.Conn, error)
	upstreamTLS *tls.Config
	onlyDoor    bool
}

// Listen serves that address. The default is "127.0.0.1:0", a free port that only
// this machine can reach.
func Listen(address string) Option { return optionFunc(func(c *config) { c.listen = address }) }

// TLS serves TLS beside plaintext, on the same port.
func TLS(cfg *tls.Config) Option { return optionFunc(func(c *config) { c.tls = cfg }) }

// SelfSigned serves TLS beside plaintext with a certificate that the proxy makes
// for the address that it listens on. Clients have to trust [Proxy.RootPEM].
func SelfSigned() Option { return optionFunc(func(c *config) { c.selfSigned = true }) }

// Dial connects to the server instead of its address.
func Dial(dial func(context.Context) (net.Conn, error)) Option {
	return optionFunc(func(c *config) { c.dial = dial })
}

// UpstreamTLS is for a server whose certificate the system's roots don't vouch for.
func UpstreamTLS(cfg *tls.Config) Option { return optionFunc(func(c *config) { c.upstreamTLS = cfg }) }

// OnlyDoor says that every call to the server passes here, so that rules about
// what others may change apply, too.
func OnlyDoor() Option { return optionFunc(func(c *config) { c.onlyDoor = true }) }

// With passes on what is known of the server: [conformance.Strong],
// [conformance.Eventual], [conformance.Contract], [conformance.About] and
// [conformance.Rules]. Without, reads may miss what was written less than 5 s
// before.
func With(options ...conformance.Option) Option {
	return optionFunc(func(c *config) { c.Options = append(c.Options, options...) })
}

// Secret names headers and query parameters whose values are secret, besides those
// that everybody knows. They are taken out when a call is recorded.
func Secret(names ...string) Option {
	return optionFunc(func(c *config) { c.Secrets = append(c.Secrets, names...) })
}

// TraceTo writes every call to out, in the format of package trace. It does not
// close out.
func TraceTo(out io.Writer) Option { return optionFunc(func(c *config) { c.Trace = out }) }

// Found has the function called with every finding as it is made, while other
// calls wait.
func Found(f func(conformance.Found)) Option {
	return optionFunc(func(c *config) { c.Config.Found = f })
}

// kept is how many calls [Proxy.Trace] returns at most.
const kept = 10_000

// New starts a proxy that tb owns. When the test ends, rules that are broken fail
// it.
func New(tb testing.TB, upstream string, opts ...Option) *Proxy {
	tb.Helper()
	p, err := Start(upstream, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		tb.Helper()
		if err := p.Close(); err != nil {
			tb.Error(err)
		}
		report, err := p.Report()
		if err != nil {
			tb.Error(err)
		}
		for i := range report.Rules {
			if report.Rules[i].Verdict == conformance.Failed {
				tb.Error(report.Rules[i].String())
			}
		}
	})
	return p
}

// ErrUpstream is the error of a URL that can't be a server's.
var ErrUpstream = errors.New("upstream")

// Start starts a proxy for the server at a URL. The caller closes it.
func Start(upstream string, opts ...Option) (*Proxy, error) {
	c := &config{listen: "127.0.0.1:0", Config: observer.Config{Keep: kept}}
	for _, o := range opts {
		o.apply(c)
	}
	u, err := url.Parse(upstream)
	if err != nil {
		return nil, fmt.Errorf("optest: %w: %w, want one such as http://127.0.0.1:8080", ErrUpstream, err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("optest: %w %q, want scheme and host only, such as http://127.0.0.1:8080", ErrUpstream, u.Redacted())
	}
	p := &Proxy{upstream: u, config: c, served: make(chan struct{}), links: map[net.Conn]*link{}}
	if err := p.open(); err != nil {
		return nil, err
	}
	return p, nil
}

// open begins to observe and to serve.
func (p *Proxy) open() error {
	header := &optestv1.TraceHeader{
		Observer: optestv1.TraceHeader_PROXY, Name: "proxy", Target: p.upstream.Scheme + "://" + p.upstream.Host,
		Sees: []optestv1.TraceHeader_Sight{
			optestv1.TraceHeader_CONTENT, optestv1.TraceHeader_RAW, optestv1.TraceHeader_METADATA, optestv1.TraceHeader_HEADERS, optestv1.TraceHeader_FRAMES,
		},
	}
	if p.config.onlyDoor {
		header.Sees = append(header.Sees, optestv1.TraceHeader_ALL_WRITERS)
	}
	var err error
	if p.observer, err = observer.New(header, p.config.Config); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", p.config.listen)
	if err != nil {
		return fmt.Errorf("optest: listen on %q: %w", p.config.listen, err)
	}
	secured := p.config.tls
	if p.config.selfSigned {
		authority, err := authorityFor(listener.Addr())
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		secured, p.rootPEM = authority.TLSConfig(), authority.RootPEM()
	}
	p.front = newFront(listener, secured)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	p.server = &http.Server{
		Handler:                      http.HandlerFunc(p.forward),
		Protocols:                    protocols,
		ReadHeaderTimeout:            time.Minute,
		MaxHeaderBytes:               1 << 20,
		DisableGeneralOptionsHandler: true,
		ConnContext:                  p.connect,
		ConnState:                    p.disconnect,
		// It tells of clients that break off, which is not this program's to report.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	go func() {
		defer close(p.served)
		_ = p.server.Serve(p.front) // until it is closed
	}()
	return nil
}

// Addr is host and port.
func (p *Proxy) Addr() string { return p.front.Addr().String() }

// URL is where clients reach the proxy in plaintext.
func (p *Proxy) URL() string { return "http://" + p.Addr() }

// RootPEM is the certificate that clients have to trust, nil without [SelfSigned].
func (p *Proxy) RootPEM() []byte { return p.rootPEM }

// Shutdown lets calls under way end, until ctx is done, and then closes the proxy.
// The error is ctx's if calls had to be cut off.
func (p *Proxy) Shutdown(ctx context.Context) error {
	err := p.server.Shutdown(ctx)
	return errors.Join(err, p.Close())
}

// Close cuts calls off and ends the watch. To close again returns the same.
func (p *Proxy) Close() error {
	p.closing.Do(func() {
		p.closeErr = p.server.Close()
		<-p.served
		p.front.wait()
		p.mu.Lock()
		links := p.links
		p.links = map[net.Conn]*link{}
		p.mu.Unlock()
		for _, l := range links {
			l.close()
		}
		p.underWay.settle() // they are cut off, and that they were is written down
		_, err := p.observer.Report()
		p.closeErr = errors.Join(p.closeErr, err)
	})
	return p.closeErr
}

// Flush has the trace hold every call so far.
func (p *Proxy) Flush() { p.observer.Flush() }

// Trace is what was seen: of more than 10,000 calls the last. Calls under way have
// up to a second to end.
func (p *Proxy) Trace() *trace.Trace {
	p.underWay.settle()
	return p.observer.Seen()
}

// Report ends the watch and is what was found. Calls under way have up to a second
// to end, and pass on unwatched after it. To call it again returns the same. The
// error is that of [TraceTo]'s writer.
func (p *Proxy) Report() (*conformance.Report, error) {
	p.underWay.settle()
	return p.observer.Report()
}
