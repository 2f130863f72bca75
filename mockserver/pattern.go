package mockserver

import (
	"strings"

	"github.com/optest-dev/optest/internal/glob"
)

// pattern is text in which `*` stands for any run of characters, `?` for one,
// and `\` takes the next character literally.
type pattern string

func (p pattern) matches(text string) bool { return glob.Match(string(p), text) }

// exact reports whether p stands for one text only, its own.
func (p pattern) exact() bool { return !strings.ContainsAny(string(p), `*?\`) }

// matchesMethod compares with the full name of a procedure, package.Service/Method,
// and with its last parts, Service/Method and Method.
func matchesMethod(want pattern, procedure string) bool {
	return glob.Method(string(want), strings.TrimPrefix(procedure, "/"))
}
