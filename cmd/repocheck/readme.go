package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A code block in README.md that follows the line
//
//	<!-- from FILE -->
//
// is the part of that file between the lines README:begin and README:end, less
// their common indent, or all of it where it has none of these lines.
const marker = "<!-- from "

func readme() ([]string, error) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		return nil, err
	}
	return quotes(string(text), os.ReadFile)
}

func quotes(text string, read func(string) ([]byte, error)) ([]string, error) {
	var findings []string
	count := 0
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		name, ok := strings.CutPrefix(lines[i], marker)
		if !ok {
			continue
		}
		count++
		name = strings.TrimSuffix(name, " -->")
		at := fmt.Sprintf("README.md:%d", i+1)
		block, ok := block(lines[i+1:])
		if !ok {
			findings = append(findings, at+": no code block follows")
			continue
		}
		data, err := read(filepath.FromSlash(name))
		if err != nil {
			findings = append(findings, fmt.Sprintf("%s: %v", at, err))
			continue
		}
		quoted, ok := excerpt(data)
		if !ok {
			findings = append(findings, fmt.Sprintf("%s: %s has only one of the lines README:begin and README:end", at, name))
			continue
		}
		if block != quoted {
			findings = append(findings, fmt.Sprintf("%s: differs from %s, want\n%s", at, name, quoted))
		}
	}
	if count == 0 {
		findings = append(findings, "README.md: quotes no file, want its code to be that of tests")
	}
	return findings, nil
}

// block is the code of the fenced block that lines begin with.
func block(lines []string) (string, bool) {
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "```") {
		return "", false
	}
	for i, line := range lines[1:] {
		if line == "```" {
			return strings.Join(lines[1:i+1], "\n"), true
		}
	}
	return "", false
}

func excerpt(data []byte) (string, bool) {
	if !bytes.Contains(data, []byte("README:")) {
		return strings.TrimSpace(string(data)), true
	}
	var lines []string
	inside, ended := false, false
	for line := range strings.Lines(string(bytes.TrimSpace(data))) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.Contains(line, "README:begin"):
			inside = true
		case strings.Contains(line, "README:end"):
			ended = inside
			inside = false
		case inside:
			lines = append(lines, line)
		}
	}
	return strings.Trim(strings.Join(outdent(lines), "\n"), "\n"), ended
}

// outdent removes the tabs that all lines that are not empty begin with.
func outdent(lines []string) []string {
	for {
		for _, line := range lines {
			if line != "" && !strings.HasPrefix(line, "\t") {
				return lines
			}
		}
		empty := true
		for i, line := range lines {
			empty = empty && line == ""
			lines[i] = strings.TrimPrefix(line, "\t")
		}
		if empty {
			return lines
		}
	}
}
