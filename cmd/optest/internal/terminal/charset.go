package terminal

import (
	"runtime"
	"strings"
)

// utf8 reports whether the environment asks for UTF-8. The first of the
// variables that is set decides (POSIX, 8.2); none is the POSIX locale, which is
// ASCII. Windows has no such variables, and its terminals show UTF-8.
func utf8(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale := getenv(name); locale != "" {
			_, charset, _ := strings.Cut(locale, ".")
			charset, _, _ = strings.Cut(charset, "@")
			return strings.EqualFold(strings.ReplaceAll(charset, "-", ""), "utf8")
		}
	}
	return runtime.GOOS == "windows"
}
