package selfcert

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// maxHosts keeps the leaf, with the longest names, at a quarter of the 100 KB that OpenSSL accepts as a chain by default.
const maxHosts = 100

// subjects sorts hosts into names and addresses, after those that every leaf has and without repetitions.
func subjects(hosts []string) ([]string, []net.IP, error) {
	if len(hosts) > maxHosts {
		return nil, nil, fmt.Errorf("optest: certificate got %d hosts, want at most %d", len(hosts), maxHosts)
	}
	names := []string{"localhost"}
	addresses := []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	for _, host := range hosts {
		if address, err := netip.ParseAddr(host); err == nil {
			if address.Zone() != "" {
				return nil, nil, fmt.Errorf("optest: certificate host %q got a zone, want an address that all machines share", host)
			}
			address = address.Unmap()
			if !slices.Contains(addresses, address) {
				addresses = append(addresses, address)
			}
			continue
		}
		if problem := nameProblem(host); problem != "" {
			return nil, nil, fmt.Errorf("optest: certificate host %q got %s, want a name such as \"mock.example\" or an address such as \"192.0.2.1\"", host, problem)
		}
		if name := strings.ToLower(host); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	ips := make([]net.IP, len(addresses))
	for i, address := range addresses {
		ips[i] = address.AsSlice()
	}
	return names, ips, nil
}

// nameProblem is what keeps clients from matching a name, or nothing. Go, OpenSSL and Node compare names label by label and accept
// letters, digits, hyphens and underscores, and a wildcard as the whole first label only.
func nameProblem(name string) string {
	if name == "" {
		return "nothing"
	}
	if len(name) > 253 {
		return fmt.Sprintf("%d characters (limit 253)", len(name))
	}
	labels := strings.Split(name, ".")
	if labels[0] == "*" {
		if len(labels) < 3 {
			return "a wildcard over a whole top-level domain"
		}
		labels = labels[1:]
	}
	for _, label := range labels {
		switch {
		case label == "":
			return "an empty label"
		case len(label) > 63:
			return fmt.Sprintf("a label of %d characters (limit 63)", len(label))
		case label[0] == '-' || label[len(label)-1] == '-':
			return "a label with a hyphen at its edge"
		}
		if i := strings.IndexFunc(label, outsideName); i >= 0 {
			return fmt.Sprintf("the character %q", []rune(label[i:])[0])
		}
	}
	// A last label of digits makes clients read the whole as an IPv4 address.
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" {
		return "a number as its last label"
	}
	return ""
}

func outsideName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}
