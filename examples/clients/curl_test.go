package clients_test

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"testing"
)

// curls exchanges by the curl that is on PATH.
func curls(s security) func(*testing.T, target) exchange {
	return func(t *testing.T, to target) exchange {
		t.Helper()
		curl, err := exec.LookPath("curl")
		if err != nil {
			t.Skipf("there is no curl: %v", err)
		}
		return func(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
			// -q: whatever the user's own configuration says.
			args := []string{
				"-q", "--silent", "--show-error", "--noproxy", "*", "--cacert", to.rootFile,
				"--request", method, "--write-out", "\n%{http_code}", to.url(s) + path,
			}
			if len(body) > 0 {
				args = append(args, "--header", "Content-Type: application/json", "--data-binary", "@-")
			}
			cmd := exec.CommandContext(ctx, curl, args...)
			var stdout, stderr bytes.Buffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(body), &stdout, &stderr
			if err := cmd.Run(); err != nil {
				return 0, nil, fmt.Errorf("curl: %w: %s", err, stderr.Bytes())
			}
			out := stdout.Bytes()
			end := bytes.LastIndexByte(out, '\n')
			code, err := strconv.Atoi(string(out[end+1:]))
			if err != nil {
				return 0, nil, fmt.Errorf("curl wrote %q, want a status code at the end: %w", out, err)
			}
			return code, out[:max(0, end)], nil
		}
	}
}
