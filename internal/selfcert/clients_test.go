package selfcert

import (
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestOpenSSLAcceptsStrictly(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl isn't installed, so its rules can't be tried")
	}
	a := mustNew(t, "mock.example")
	folder := t.TempDir()
	root, leaf := filepath.Join(folder, "root.pem"), filepath.Join(folder, "leaf.pem")
	if err := a.WriteRoot(root); err != nil {
		t.Fatal(err)
	}
	encoded := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.leaf.Certificate[0]})
	if err := os.WriteFile(leaf, encoded, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, host := range [][]string{{"-verify_hostname", "localhost"}, {"-verify_hostname", "mock.example"}, {"-verify_ip", "127.0.0.1"}, {"-verify_ip", "::1"}} {
		args := append([]string{"verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", root}, host...)
		if output, err := exec.Command(openssl, append(args, leaf)...).CombinedOutput(); err != nil {
			t.Errorf("openssl refuses %v: %v\n%s", host, err, output)
		}
	}
	if _, err := exec.Command(openssl, "verify", "-CAfile", root, "-verify_hostname", "other.example", leaf).CombinedOutput(); err == nil {
		t.Error("openssl accepts another name, want it refused")
	}
}

func TestNodeAccepts(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node isn't installed, so its rules can't be tried")
	}
	a := mustNew(t)
	root := filepath.Join(t.TempDir(), "root.pem")
	if err := a.WriteRoot(root); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "served") }))
	server.TLS = a.TLSConfig()
	server.StartTLS()
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	const script = `require("https").get(process.argv[1], {agent: false}, r => r.pipe(process.stdout)).on("error", e => { console.error(e.message); process.exit(1) })`
	for _, host := range []string{"127.0.0.1", "localhost"} {
		command := exec.Command(node, "-e", script, "https://"+host+":"+port)
		command.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+root)
		if output, err := command.CombinedOutput(); err != nil || string(output) != "served" {
			t.Errorf("node to %s: %v, %q; want \"served\"", host, err, output)
		}
	}
	stranger := exec.Command(node, "-e", script, "https://localhost:"+port)
	if output, err := stranger.CombinedOutput(); err == nil {
		t.Errorf("node without the root got %q, want it to refuse the server", output)
	}
}
