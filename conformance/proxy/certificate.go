package proxy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"net"
	"os"
	"time"
)

const (
	// backdate covers clients whose clock is behind this machine's.
	backdate = time.Hour
	// validity is under what clients allow a server's certificate at most, 397 days.
	validity = 390 * 24 * time.Hour
)

// selfSigned makes a root and a certificate that it vouches for, of the address,
// of this machine's name and of loopback. The root's key is forgotten.
func selfSigned(address net.Addr) (config *tls.Config, rootPEM []byte, err error) {
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	var unique [8]byte // some clients find a root by its name
	if _, err := rand.Read(unique[:]); err != nil {
		return nil, nil, err
	}
	from := time.Now().Add(-backdate)
	root, err := issue(&x509.Certificate{
		Subject:   pkix.Name{Organization: []string{"optest"}, CommonName: "optest proxy root " + hex.EncodeToString(unique[:])},
		NotBefore: from, NotAfter: from.Add(validity), KeyUsage: x509.KeyUsageCertSign,
		BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}, nil, rootKey, rootKey)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		Subject:   pkix.Name{Organization: []string{"optest"}, CommonName: "localhost"},
		NotBefore: from, NotAfter: from.Add(validity), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if tcp, ok := address.(*net.TCPAddr); ok && !tcp.IP.IsUnspecified() && !tcp.IP.IsLoopback() {
		template.IPAddresses = append(template.IPAddresses, tcp.IP)
	}
	if name, err := os.Hostname(); err == nil && name != "" && name != "localhost" {
		template.DNSNames = append(template.DNSNames, name)
	}
	leaf, err := issue(template, root, leafKey, rootKey)
	if err != nil {
		return nil, nil, err
	}
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: leafKey, Leaf: leaf}}, MinVersion: tls.VersionTLS12,
	}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}), nil
}

// issue signs a certificate. Without a parent it is its own.
func issue(template, parent *x509.Certificate, subject, issuer *ecdsa.PrivateKey) (*x509.Certificate, error) {
	if parent == nil {
		parent = template
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &subject.PublicKey, issuer)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(raw)
}
