package selfcert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func mustNew(t *testing.T, hosts ...string) *Authority {
	t.Helper()
	a, err := New(hosts...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestLeafIsAcceptedForItsHostsOnly(t *testing.T) {
	a := mustNew(t, "mock.example", "*.wild.example", "192.0.2.7", "2001:db8::1", "LOUD.example", "under_score.example")
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "::1": true,
		"mock.example": true, "MOCK.example": true, "a.wild.example": true, "192.0.2.7": true, "2001:db8::1": true, "loud.example": true, "under_score.example": true,
		"other.example": false, "wild.example": false, "a.b.wild.example": false, "127.0.0.2": false, "sub.mock.example": false,
	} {
		name := host
		if net.ParseIP(host) != nil {
			name = "[" + host + "]" // so Go's verifier reads an address
		}
		chains, err := a.leaf.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: a.Pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
		if got := err == nil; got != want {
			t.Errorf("leaf for %q: accepted %t (%v), want %t", host, got, err, want)
		}
		if want && (len(chains) != 1 || len(chains[0]) != 2) {
			t.Errorf("leaf for %q: got %d chains, want one of leaf and root", host, len(chains))
		}
	}
}

func TestAnotherRootIsRefused(t *testing.T) {
	a, b := mustNew(t), mustNew(t)
	if _, err := a.leaf.Leaf.Verify(x509.VerifyOptions{DNSName: "localhost", Roots: b.Pool()}); err == nil {
		t.Error("a leaf was accepted with the root of another authority")
	}
	if a.root.Subject.CommonName == b.root.Subject.CommonName {
		t.Errorf("two roots are both called %q, want names of their own", a.root.Subject.CommonName)
	}
	if a.root.SerialNumber.Cmp(b.root.SerialNumber) == 0 || a.root.SerialNumber.Cmp(a.leaf.Leaf.SerialNumber) == 0 {
		t.Error("serial numbers repeat, want random ones")
	}
}

func TestCertificatesSayWhatTheyAreFor(t *testing.T) {
	before := time.Now()
	a := mustNew(t)
	leaf, root := a.leaf.Leaf, a.root

	if !root.IsCA || !root.MaxPathLenZero || root.KeyUsage&x509.KeyUsageCertSign == 0 || len(root.SubjectKeyId) == 0 {
		t.Errorf("root: CA %t, path length 0 %t, usage %b, key id %x; want a CA for leaves only", root.IsCA, root.MaxPathLenZero, root.KeyUsage, root.SubjectKeyId)
	}
	if leaf.IsCA || !leaf.BasicConstraintsValid || leaf.KeyUsage != x509.KeyUsageDigitalSignature {
		t.Errorf("leaf: CA %t, constraints %t, usage %b; want no CA and signatures only", leaf.IsCA, leaf.BasicConstraintsValid, leaf.KeyUsage)
	}
	if len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth {
		t.Errorf("leaf: extended usage %v, want server authentication", leaf.ExtKeyUsage)
	}
	if !bytes.Equal(leaf.AuthorityKeyId, root.SubjectKeyId) {
		t.Errorf("leaf: authority key id %x, want the root's %x", leaf.AuthorityKeyId, root.SubjectKeyId)
	}
	if key, ok := leaf.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		t.Errorf("leaf: key %T, want ECDSA on P-256", leaf.PublicKey)
	}
	for name, cert := range map[string]*x509.Certificate{"leaf": leaf, "root": root} {
		if age := before.Sub(cert.NotBefore); age < 59*time.Minute || age > 61*time.Minute {
			t.Errorf("%s: valid since %v before it was made, want 1h", name, age)
		}
		if days := cert.NotAfter.Sub(cert.NotBefore).Hours() / 24; days < 90 || days > 397 {
			t.Errorf("%s: valid for %.2f days, want 90 to 397", name, days)
		}
		if cert.SerialNumber.Sign() <= 0 || cert.SerialNumber.BitLen() < 64 || cert.SerialNumber.BitLen() > 159 {
			t.Errorf("%s: serial number of %d bits, want a positive one of 64 to 159", name, cert.SerialNumber.BitLen())
		}
	}
}

func TestHosts(t *testing.T) {
	for _, test := range []struct {
		hosts []string
		want  string
	}{
		{hosts: []string{""}, want: "got nothing"},
		{hosts: []string{"localhost:8080"}, want: `got the character ':'`},
		{hosts: []string{"https://mock.example"}, want: `got the character ':'`},
		{hosts: []string{"[::1]"}, want: `got the character '['`},
		{hosts: []string{"fe80::1%eth0"}, want: "got a zone"},
		{hosts: []string{"mock..example"}, want: "got an empty label"},
		{hosts: []string{"mock.example."}, want: "got an empty label"},
		{hosts: []string{"-mock.example"}, want: "got a label with a hyphen"},
		{hosts: []string{"mock-.example"}, want: "got a label with a hyphen"},
		{hosts: []string{"256.1.1.1"}, want: "got a number as its last label"},
		{hosts: []string{"*"}, want: "got a wildcard"},
		{hosts: []string{"*.example"}, want: "got a wildcard"},
		{hosts: []string{"a.*.example"}, want: `got the character '*'`},
		{hosts: []string{"bücher.example"}, want: `got the character 'ü'`},
		{hosts: []string{"\u212aelvin.example"}, want: "got the character"},
		{hosts: []string{"mock\x00.example"}, want: "got the character"},
		{hosts: []string{strings.Repeat("a", 64) + ".example"}, want: "got a label of 64 characters"},
		{hosts: []string{strings.Repeat("a.", 127) + "ab"}, want: "got 256 characters"},
		{hosts: make([]string, 101), want: "got 101 hosts, want at most 100"},
	} {
		_, err := New(test.hosts...)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "optest: certificate ") {
			t.Errorf("New(%q) = %v, want an error with %q", test.hosts, err, test.want)
		}
	}

	a := mustNew(t, "localhost", "LocalHost", "127.0.0.1", "::ffff:127.0.0.1", "xn--bcher-kva.example", "1st.example", "a")
	if got, want := strings.Join(a.leaf.Leaf.DNSNames, " "), "localhost xn--bcher-kva.example 1st.example a"; got != want {
		t.Errorf("names %q, want %q", got, want)
	}
	if got := a.leaf.Leaf.IPAddresses; len(got) != 2 {
		t.Errorf("addresses %v, want 127.0.0.1 and ::1 once each", got)
	}
}

func TestLargestLeafIsServed(t *testing.T) {
	hosts := make([]string, maxHosts)
	for i := range hosts {
		hosts[i] = strings.Repeat(strings.Repeat("a", 62)+".", 3) + strings.Repeat("b", 60-i/26) + string(rune('a'+i%26))
	}
	get(t, mustNew(t, hosts...), hosts[99])
}

// get calls a server that has the leaf of a, trusting a's root only.
func get(t *testing.T, a *Authority, name string) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	server.TLS = a.TLSConfig()
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: a.Pool(), ServerName: name}}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || string(body) != "HTTP/2.0" {
		t.Errorf("got %q (%v), want an answer over HTTP/2.0", body, err)
	}
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
}

func TestServesHTTP2(t *testing.T) { get(t, mustNew(t), "") }

func TestValidInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := mustNew(t)
		if got := a.leaf.Leaf.NotBefore.Year(); got != 1999 {
			t.Errorf("leaf valid from the year %d, want 1999, an hour before the bubble began", got)
		}
		verify := func() error {
			_, err := a.leaf.Leaf.Verify(x509.VerifyOptions{DNSName: "localhost", Roots: a.Pool()})
			return err
		}
		if err := verify(); err != nil {
			t.Error(err)
		}
		time.Sleep(396 * 24 * time.Hour)
		if err := verify(); err != nil {
			t.Error(err)
		}
		time.Sleep(24 * time.Hour)
		if err := verify(); err == nil {
			t.Error("leaf accepted after 397 days, want it expired")
		}

		client, server := net.Pipe()
		fresh := mustNew(t)
		go func() { _ = tls.Server(server, fresh.TLSConfig()).Handshake() }()
		conn := tls.Client(client, &tls.Config{RootCAs: fresh.Pool(), ServerName: "localhost"})
		if err := conn.Handshake(); err != nil {
			t.Error(err)
		}
		_, _ = client.Close(), server.Close()
	})
}

func TestConfigsAndPoolsAreSeparate(t *testing.T) {
	a := mustNew(t)
	a.TLSConfig().NextProtos[0] = "changed"
	a.Pool().AddCert(mustNew(t).root)
	if got := a.TLSConfig().NextProtos[0]; got != "h2" {
		t.Errorf("a change of one configuration reached the next: %q, want \"h2\"", got)
	}
	if !a.Pool().Equal(a.Pool()) {
		t.Error("a change of one pool reached the next")
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, err := New(); err != nil {
			b.Fatal(err)
		}
	}
}
