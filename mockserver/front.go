package mockserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/optest-dev/optest/mockserver/internal/breakage"
	"github.com/optest-dev/optest/mockserver/internal/wire"
)

// memoryAddress is the authority of a server in memory. The top-level domain is
// reserved, so that a client that leaves memory by mistake reaches nobody.
const memoryAddress = "optest.invalid:80"

// front is where connections come in: a TCP port or memory.
type front struct {
	pipe   *wire.Pipe   // nil on a port
	tcp    net.Listener // nil in memory
	server *http.Server
	served chan error // what Serve returned
}

// open begins to accept connections.
func (f *front) open(c config, certificates *tls.Config, handler http.Handler) error {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	f.server = &http.Server{
		Handler:           breakage.Handler(handler),
		ConnContext:       breakage.ConnContext,
		Protocols:         protocols,
		MaxHeaderBytes:    maxHeader,
		ReadHeaderTimeout: 10 * time.Second,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 1000},
	}
	listener, err := f.listen(c, certificates)
	if err != nil {
		return err
	}
	f.served = make(chan error, 1)
	go func() { f.served <- f.server.Serve(listener) }()
	return nil
}

func (f *front) listen(c config, certificates *tls.Config) (net.Listener, error) {
	if c.listen == "" {
		f.pipe = wire.NewPipe()
		return breakage.Listen(f.pipe), nil
	}
	if err := checkAddress(c); err != nil {
		return nil, err
	}
	tcp, err := net.Listen("tcp", c.listen)
	if err != nil {
		return nil, fmt.Errorf("optest: listening on %q: %w", c.listen, err)
	}
	f.tcp = tcp
	return wire.NewSplit(tcp, certificates, breakage.Over), nil
}

// checkAddress refuses to serve a network without a token.
func checkAddress(c config) error {
	host, _, err := net.SplitHostPort(c.listen)
	if err != nil {
		return fmt.Errorf("optest: listen address %q, want host:port such as 127.0.0.1:0: %w", c.listen, err)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() || c.token != "" {
		return nil
	}
	return fmt.Errorf("optest: listen address %q is not loopback, want a required token with it, or a host such as 127.0.0.1", c.listen)
}

func (f *front) address() string {
	if f.pipe != nil {
		return memoryAddress
	}
	return f.tcp.Addr().String()
}

func (f *front) dial(ctx context.Context) (net.Conn, error) {
	if f.pipe != nil {
		return f.pipe.Dial(ctx)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", f.tcp.Addr().String())
}

// close stops accepting, waits for calls under way as long as ctx allows and
// then cuts them off.
func (f *front) close(ctx context.Context) error {
	err := f.server.Shutdown(ctx)
	if err != nil {
		err = fmt.Errorf("optest: closing with calls under way: %w", errors.Join(err, f.server.Close()))
	}
	if served := <-f.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("optest: serving: %w", served))
	}
	return err
}
