// Package glob matches text against the patterns of scenarios: `*` stands for
// any run of characters, `?` for one, and `\` takes the next one literally.
package glob

import "strings"

// Match takes time in the product of both lengths at worst.
func Match(pattern, text string) bool {
	if !strings.ContainsAny(pattern, `*?\`) {
		return pattern == text
	}
	pat, in := []rune(pattern), []rune(text)
	i, j := 0, 0
	star, resume := -1, 0 // the last `*`, and where in the text to go on after it
	for j < len(in) {
		switch {
		case i < len(pat) && pat[i] == '*':
			star, resume = i, j
			i++
			continue
		case i < len(pat) && pat[i] == '?':
			i, j = i+1, j+1
			continue
		case i+1 < len(pat) && pat[i] == '\\' && pat[i+1] == in[j]:
			i, j = i+2, j+1
			continue
		case i < len(pat) && (pat[i] != '\\' || i+1 == len(pat)) && pat[i] == in[j]:
			i, j = i+1, j+1
			continue
		}
		if star < 0 {
			return false
		}
		resume++
		i, j = star+1, resume
	}
	for i < len(pat) && pat[i] == '*' {
		i++
	}
	return i == len(pat)
}

// Method matches the full name of an RPC, package.Service/Method, and its last
// parts, Service/Method and Method.
func Method(pattern, full string) bool {
	slash := strings.LastIndexByte(full, '/')
	dot := strings.LastIndexByte(full[:max(0, slash)], '.')
	return Match(pattern, full) || Match(pattern, full[dot+1:]) || Match(pattern, full[slash+1:])
}
