package conformance

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/optest-dev/optest/conformance/internal/drive"
	"github.com/optest-dev/optest/conformance/internal/rules"
)

// Target is a server, and what has to be known of it to exercise it. What is left
// out leaves rules unexercised.
type Target struct {
	// URL is http or https, with a host and nothing else. It may be left out where
	// Dial is set.
	URL string
	// Dial connects to a server in memory. Nil: the URL's host is dialled. It must be
	// safe for concurrent use.
	Dial func(context.Context) (net.Conn, error)
	// TLS is for https. Nil: the system's roots.
	TLS *tls.Config
	// Token is sent as `authorization: Bearer`. With one, the server is expected to
	// refuse calls without it.
	Token string

	// Folder is where images are made. It should hold nothing else. Empty: requests
	// name no folder.
	Folder   string
	Desktops Desktops
	// Foreign is the id of an operation of somebody else, which the token must not
	// reach.
	Foreign string
	// Subject is who the token belongs to, as `created_by` names it.
	Subject string
}

// Desktops are ids by what becomes of a copy of such a desktop.
type Desktops struct {
	// Succeeds: the copy ends with an image. Most rules need it.
	Succeeds string
	// Fails: the copy is started and ends with an error, at once.
	Fails string
	// FailsLate: the copy shows an error for a while before it is done with it.
	FailsLate string
	// Absent: there is no such desktop.
	Absent string
}

// memory is the authority of servers that have none. The top-level domain is
// reserved.
const memory = "http://optest.invalid"

// endpoint is the target as the driver needs it.
func (t Target) endpoint() (drive.Endpoint, error) {
	text := t.URL
	if text == "" && t.Dial != nil {
		text = memory
	}
	u, err := url.Parse(text)
	if err != nil {
		return drive.Endpoint{}, fmt.Errorf("optest: URL of the target: %w, want one such as http://127.0.0.1:8080", err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return drive.Endpoint{}, fmt.Errorf("optest: URL of the target %q, want scheme and host only, such as http://127.0.0.1:8080", u.Redacted())
	}
	return drive.Endpoint{URL: u, Dial: t.Dial, TLS: t.TLS, Token: t.Token}, nil
}

// mine reports whether the server is the caller's own: in memory or on the same
// machine.
func (t Target) mine(u *url.URL) bool {
	if t.Dial != nil {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// clouds are the hosts of the vendor: there, images cost money and others work.
var clouds = []string{"yandexcloud.net", "api.cloud.yandex.net"}

func vendors(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, cloud := range clouds {
		if host == cloud || strings.HasSuffix(host, "."+cloud) {
			return true
		}
	}
	return false
}

func (d Desktops) known() rules.Desktops {
	return rules.Desktops{Succeeds: d.Succeeds, Fails: d.Fails, FailsLate: d.FailsLate, Absent: d.Absent}
}
