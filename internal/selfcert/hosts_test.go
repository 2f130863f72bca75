package selfcert

import (
	"crypto/x509"
	"strings"
	"testing"
)

// FuzzSubjects holds what is accepted as a host to what Go's verifier matches.
func FuzzSubjects(f *testing.F) {
	for _, host := range []string{
		"", "localhost", "mock.example", "*.mock.example", "*.example", "192.0.2.1", "::ffff:192.0.2.1", "fe80::1%eth0", "256.1.1.1",
		"a..b", "-a", "a-", "A_b", "\u212a", "[::1]", "localhost:80", "0x7f.1", "1", ".", strings.Repeat("a", 64),
	} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		names, addresses, err := subjects([]string{host})
		if err != nil {
			if !strings.HasPrefix(err.Error(), "optest: certificate host ") {
				t.Errorf("subjects(%q): error %q doesn't name the host", host, err)
			}
			return
		}
		leaf := x509.Certificate{DNSNames: names, IPAddresses: addresses}
		if err := leaf.VerifyHostname(strings.Replace(host, "*", "star", 1)); err != nil {
			t.Errorf("subjects accepts %q, Go's verifier does not: %v", host, err)
		}
	})
}
