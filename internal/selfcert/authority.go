// Package selfcert makes the certificates of a server that nobody has given any: a root of its own and, signed by it, a leaf for
// this machine. Both live in memory; only the root's certificate can be written to a file, for clients to trust.
package selfcert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net"
	"time"
)

const (
	// backdate covers clients whose clock is behind this machine's.
	backdate = time.Hour
	// validity stays under the strictest limit that clients put on a server's certificate, 397 days; its last second counts.
	validity = 397*24*time.Hour - time.Second
)

// Authority is a root that has signed one leaf. Its methods may be called from several goroutines.
type Authority struct {
	root *x509.Certificate
	leaf tls.Certificate
}

// New makes a root and a leaf, with ECDSA keys on P-256, for localhost, 127.0.0.1, ::1 and hosts: names, of which the first label may
// be "*", and IP addresses, at most 100. They are valid from one hour ago for 397 days by [time.Now], which is the virtual time in a
// testing/synctest bubble. The root's key is forgotten.
func New(hosts ...string) (*Authority, error) {
	names, addresses, err := subjects(hosts)
	if err != nil {
		return nil, err
	}
	a, err := sign(names, addresses)
	if err != nil {
		return nil, fmt.Errorf("optest: certificate not made, want a root and a leaf: %w", err)
	}
	return a, nil
}

func sign(names []string, addresses []net.IP) (*Authority, error) {
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	// OpenSSL finds an issuer by its name, so two roots in one file of trusted ones must not share it.
	var unique [8]byte
	if _, err := rand.Read(unique[:]); err != nil {
		return nil, err
	}
	from := time.Now().Add(-backdate)
	// A template without a serial number gets a random one (RFC 5280, 4.1.2.2).
	root := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"optest"}, CommonName: "optest root " + hex.EncodeToString(unique[:])},
		NotBefore:             from,
		NotAfter:              from.Add(validity),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	leaf := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"optest"}, CommonName: names[0]},
		NotBefore:             root.NotBefore,
		NotAfter:              root.NotAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              names,
		IPAddresses:           addresses,
	}
	signedRoot, err := issue(root, root, rootKey, rootKey)
	if err != nil {
		return nil, err
	}
	signedLeaf, err := issue(leaf, signedRoot, leafKey, rootKey)
	if err != nil {
		return nil, err
	}
	return &Authority{
		root: signedRoot,
		leaf: tls.Certificate{Certificate: [][]byte{signedLeaf.Raw}, PrivateKey: leafKey, Leaf: signedLeaf},
	}, nil
}

func issue(template, parent *x509.Certificate, subject, issuer *ecdsa.PrivateKey) (*x509.Certificate, error) {
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &subject.PublicKey, issuer)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(raw)
}

// TLSConfig returns a new configuration of a server with the leaf, for TLS 1.2 and later, that offers h2 and http/1.1.
func (a *Authority) TLSConfig() *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{a.leaf},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"h2", "http/1.1"},
	}
}

// RootPEM returns the root's certificate, without its key.
func (a *Authority) RootPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw})
}

// Pool returns a new pool that holds only the root, for a client's tls.Config.RootCAs.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.root)
	return pool
}
