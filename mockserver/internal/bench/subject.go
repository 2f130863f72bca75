package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/optest-dev/optest/mockserver"
	"github.com/optest-dev/optest/mockserver/internal/bench/bare"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// What a child serves, besides twins.
const (
	ofOptest = "optest"
	ofBare   = "bare"
)

const anyPort = "127.0.0.1:0"

// scripted is the life of the operations under load: it outlasts every run.
func scripted() *optestv1.Scenario { return mockserver.Running(1000 * time.Hour).Succeed() }

func listen(name string, s scale) (addresses []string, stop func() error, err error) {
	switch name {
	case ofOptest:
		return listenMocks(nil)
	case ofBare:
		server, err := bare.NewServer()
		if err != nil {
			return nil, nil, err
		}
		listener, err := net.Listen("tcp", anyPort)
		if err != nil {
			return nil, nil, err
		}
		go func() { _ = server.Serve(listener) }() // until Close
		return []string{listener.Addr().String()}, server.Close, nil
	}
	options, ok := twinOptions[name]
	if !ok {
		return nil, nil, fmt.Errorf("bench: subject %q, want %s, %s or twins", name, ofOptest, ofBare)
	}
	much, little := options(s)
	return listenMocks(much, little)
}

// listenMocks starts a mock with each of the options.
func listenMocks(options ...[]mockserver.Option) (addresses []string, stop func() error, err error) {
	var servers []*mockserver.Server
	stop = func() error {
		var errs []error
		for _, server := range servers {
			errs = append(errs, server.Close())
		}
		return errors.Join(errs...)
	}
	for _, more := range options {
		server, err := mockserver.Start(append([]mockserver.Option{mockserver.Listen(anyPort), mockserver.Default(scripted())}, more...)...)
		if err != nil {
			return nil, nil, errors.Join(err, stop())
		}
		servers = append(servers, server)
		addresses = append(addresses, server.Addr())
	}
	return addresses, stop, nil
}

// subject is a server of a child and a client of it.
type subject struct {
	client
	*child
	operation string // an id to Get, of its only operation at first
}

// startSubject starts a server in a process of its own and makes all its connections.
func startSubject(ctx context.Context, s scale, name string) (*subject, error) {
	c, err := startChild(ctx, name, s)
	if err != nil {
		return nil, err
	}
	sub, err := c.connect(ctx, c.addresses[0])
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return sub, nil
}

func (c *child) connect(ctx context.Context, address string) (*subject, error) {
	to, err := dial(address, together.conns)
	if err != nil {
		return nil, err
	}
	sub := &subject{client: to, child: c}
	sub.operation, err = started(ctx, to[0])
	for _, conn := range to[1:] {
		if err == nil {
			err = get(sub.operation)(ctx, conn)
		}
	}
	if err != nil {
		to.close()
		return nil, err
	}
	return sub, nil
}

func (s *subject) close() error {
	s.client.close()
	return s.child.close()
}

// both starts the two subjects and stops them after f.
func both(ctx context.Context, s scale, f func(optest, bare *subject) error) error {
	optest, err := startSubject(ctx, s, ofOptest)
	if err != nil {
		return err
	}
	bare, err := startSubject(ctx, s, ofBare)
	if err != nil {
		return errors.Join(err, optest.close())
	}
	return errors.Join(f(optest, bare), optest.close(), bare.close())
}
