package flagvalue_test

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"pgregory.net/rapid"

	"github.com/optest-dev/optest/cmd/optest/internal/flagvalue"
)

func TestSet(t *testing.T) {
	fresh := map[string]func() pflag.Value{
		"address": func() pflag.Value { return new(flagvalue.Address) },
		"speed":   func() pflag.Value { return new(flagvalue.Speed) },
		"count":   func() pflag.Value { return &flagvalue.Count{Min: 1, Max: 100} },
		"size":    func() pflag.Value { return &flagvalue.Size{Max: 1 << 30} },
		"seed":    func() pflag.Value { return new(flagvalue.Seed) },
		"span":    func() pflag.Value { return &flagvalue.Span{Max: time.Hour} },
		"choice":  func() pflag.Value { return &flagvalue.Choice{Allowed: []string{"a", "b", "c"}} },
		"tls":     func() pflag.Value { return new(flagvalue.TLS) },
	}
	for _, tt := range []struct {
		kind, text string
		want       string // as String has it, empty for a refusal
	}{
		{"address", "127.0.0.1:8080", "127.0.0.1:8080"},
		{"address", "[::1]:0", "[::1]:0"},
		{"address", ":65535", ":65535"},
		{"address", "localhost", ""},
		{"address", "localhost:http", ""},
		{"address", "127.0.0.1:65536", ""},
		{"address", "::1:80", ""},
		{"address", "", ""},

		{"speed", "60x", "60x"},
		{"speed", "60", "60x"},
		{"speed", "0.5x", "0.5x"},
		{"speed", "1e3", "1000x"},
		{"speed", "100000x", "100000x"},
		{"speed", "0.001", "0.001x"},
		{"speed", "100001", ""},
		{"speed", "0", ""},
		{"speed", "-1", ""},
		{"speed", "NaN", ""},
		{"speed", "Inf", ""},
		{"speed", "x", ""},
		{"speed", "60xx", ""},
		{"speed", "60 x", ""},

		{"count", "1", "1"},
		{"count", "100", "100"},
		{"count", "0", ""},
		{"count", "101", ""},
		{"count", "1.5", ""},
		{"count", "99999999999999999999", ""},

		{"size", "1", "1"},
		{"size", "65536", "64KiB"},
		{"size", "64KiB", "64KiB"},
		{"size", "1536", "1536"},
		{"size", "7B", "7"},
		{"size", "1GiB", "1GiB"},
		{"size", "1024MiB", "1GiB"},
		{"size", "0", ""},
		{"size", "0MiB", ""},
		{"size", "1025MiB", ""},
		{"size", "2GiB", ""},
		{"size", "4194304GiB", ""},
		{"size", "4 MiB", ""},
		{"size", "4MB", ""},
		{"size", "-1", ""},
		{"size", "KiB", ""},

		{"seed", "0", "0"},
		{"seed", "18446744073709551615", "18446744073709551615"},
		{"seed", "18446744073709551616", ""},
		{"seed", "-1", ""},

		{"span", "0s", "0s"},
		{"span", "90s", "1m30s"},
		{"span", "1h", "1h0m0s"},
		{"span", "61m", ""},
		{"span", "-1s", ""},
		{"span", "10", ""},

		{"choice", "b", "b"},
		{"choice", "B", ""},
		{"choice", "", ""},

		{"tls", "off", "off"},
		{"tls", "self", "self"},
		{"tls", "a.pem,b.pem", "a.pem,b.pem"},
		{"tls", "a.pem", ""},
		{"tls", "a.pem,", ""},
		{"tls", ",b.pem", ""},
		{"tls", "a,b,c", ""},
		{"tls", "", ""},
	} {
		value := fresh[tt.kind]()
		err := value.Set(tt.text)
		switch {
		case tt.want == "" && err == nil:
			t.Errorf("%s %q is %q, want a refusal", tt.kind, tt.text, value)
		case tt.want == "" && !strings.HasPrefix(err.Error(), "want "):
			t.Errorf("%s %q: error %q, want it to say what is wanted", tt.kind, tt.text, err)
		case tt.want != "" && err != nil:
			t.Errorf("%s %q: %v", tt.kind, tt.text, err)
		case tt.want != "" && value.String() != tt.want:
			t.Errorf("%s %q is %q, want %q", tt.kind, tt.text, value, tt.want)
		}
	}
}

// What a value says of itself, in help and in messages, means the same value.
func TestStringIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := flagvalue.Size{Bytes: rapid.IntRange(1, 1<<30).Draw(t, "bytes"), Max: 1 << 30}
		again := flagvalue.Size{Max: 1 << 30}
		if err := again.Set(size.String()); err != nil || again != size {
			t.Fatalf("%d bytes are %s, read as %d: %v", size.Bytes, size.String(), again.Bytes, err)
		}
		speed := flagvalue.Speed(rapid.Float64Range(float64(flagvalue.MinSpeed), float64(flagvalue.MaxSpeed)).Draw(t, "speed"))
		var same flagvalue.Speed
		if err := same.Set(speed.String()); err != nil || same != speed {
			t.Fatalf("speed %v is %s, read as %v: %v", float64(speed), speed.String(), float64(same), err)
		}
	})
}

func TestLoopback(t *testing.T) {
	for text, want := range map[string]bool{
		"127.0.0.1:0":     true,
		"127.9.9.9:80":    true,
		"[::1]:80":        true,
		"localhost:80":    true,
		":80":             false,
		"0.0.0.0:80":      false,
		"[::]:80":         false,
		"192.0.2.1:80":    false,
		"localhost.a:80":  false,
		"example.org:443": false,
	} {
		var a flagvalue.Address
		if err := a.Set(text); err != nil {
			t.Fatal(err)
		}
		if got := a.Loopback(); got != want {
			t.Errorf("%s loopback %v, want %v", text, got, want)
		}
	}
}

func TestType(t *testing.T) {
	choice := flagvalue.Choice{Allowed: []string{"text", "json", "off"}}
	if got := choice.Type(); got != "text|json|off" {
		t.Errorf("type %q, want text|json|off", got)
	}
}
