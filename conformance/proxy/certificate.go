package proxy

import (
	"net"
	"os"

	"github.com/optest-dev/optest/internal/selfcert"
)

// authorityFor vouches for the address, for this machine's name and for loopback.
func authorityFor(address net.Addr) (*selfcert.Authority, error) {
	var hosts []string
	if tcp, ok := address.(*net.TCPAddr); ok && !tcp.IP.IsUnspecified() {
		hosts = append(hosts, tcp.IP.String())
	}
	if name, err := os.Hostname(); err == nil {
		// A machine may be called what no client matches, such as a number.
		if a, err := selfcert.New(append(hosts, name)...); err == nil {
			return a, nil
		}
	}
	return selfcert.New(hosts...)
}
