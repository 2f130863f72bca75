package mockserver

import "strings"

// pattern is text in which `*` stands for any run of characters, `?` for one,
// and `\` takes the next character literally.
type pattern string

// matches takes time in the product of both lengths at worst.
func (p pattern) matches(text string) bool {
	if !strings.ContainsAny(string(p), `*?\`) {
		return string(p) == text
	}
	pat, in := []rune(string(p)), []rune(text)
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
