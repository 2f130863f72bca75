package flagvalue

import (
	"errors"
	"net"
	"strconv"
)

// Address is a host and a port to listen on.
type Address string

// Set takes host:port, the port from 0 (any free one) to 65535.
func (a *Address) Set(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return errors.New("want host:port such as 127.0.0.1:8080, port 0 for a free one")
	}
	*a = Address(text)
	return nil
}

func (a *Address) String() string { return string(*a) }

// Type is what help calls the value.
func (a *Address) Type() string { return "HOST:PORT" }

// Loopback reports whether only this machine can reach the address.
func (a *Address) Loopback() bool {
	host, _, err := net.SplitHostPort(string(*a))
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
