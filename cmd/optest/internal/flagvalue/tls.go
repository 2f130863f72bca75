package flagvalue

import (
	"errors"
	"strings"
)

// TLS says what a port speaks TLS with, beside plaintext.
type TLS struct {
	// SelfSigned asks for a certificate of the server's own.
	SelfSigned bool
	// CertFile and KeyFile are PEM files, empty with SelfSigned or without TLS.
	CertFile, KeyFile string
}

// Set takes off, self or two files, CERT,KEY.
func (t *TLS) Set(text string) error {
	switch text {
	case "off":
		*t = TLS{}
		return nil
	case "self":
		*t = TLS{SelfSigned: true}
		return nil
	}
	cert, key, ok := strings.Cut(text, ",")
	if !ok || cert == "" || key == "" || strings.Contains(key, ",") {
		return errors.New("want off, self or two PEM files, CERT,KEY")
	}
	*t = TLS{CertFile: cert, KeyFile: key}
	return nil
}

func (t *TLS) String() string {
	switch {
	case t.SelfSigned:
		return "self"
	case t.CertFile != "":
		return t.CertFile + "," + t.KeyFile
	}
	return "off"
}

// Type is what help calls the value.
func (t *TLS) Type() string { return "off|self|CERT,KEY" }
