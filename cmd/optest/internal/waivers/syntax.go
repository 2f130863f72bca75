package waivers

import (
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/scanner"
	"github.com/goccy/go-yaml/token"
)

// Bounds of a file. The parser's work grows with the square of a list's length and
// of the nesting, and a file comes from outside.
const (
	maxFile    = 256 << 10 // bytes
	maxTokens  = 20_000    // of 1,500 waivers
	maxNesting = 16
)

// position is counted from 1, columns in characters.
type position struct{ line, column int }

func tokenPosition(t *token.Token) position {
	if t == nil || t.Position == nil {
		return position{1, 1}
	}
	return position{max(1, t.Position.Line), max(1, t.Position.Column)}
}

// positionOf is where a person sees the node begin. For a mapping in block style
// the parser gives the first colon instead of the first key.
func positionOf(node ast.Node) position {
	switch n := node.(type) {
	case nil:
		return position{1, 1}
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return positionOf(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return positionOf(n.Key)
	}
	return tokenPosition(node.GetToken())
}

// syntax reads the file as YAML, nil where it is none or has nothing in it.
func (r *reader) syntax(source []byte) ast.Node {
	text, ok := r.text(source)
	if !ok {
		return nil
	}
	tokens, ok := r.scan(text)
	if !ok {
		return nil
	}
	file, err := parsed(tokens)
	if err != nil {
		at, message := position{1, 1}, err.Error()
		var placed interface {
			GetToken() *token.Token
			GetMessage() string
		}
		if errors.As(err, &placed) {
			at, message = tokenPosition(placed.GetToken()), placed.GetMessage()
		}
		r.failAt(at, "YAML syntax: %s", message)
		return nil
	}
	var body ast.Node
	for _, doc := range file.Docs {
		switch doc.Body.(type) {
		case nil, *ast.CommentGroupNode:
			continue
		}
		if body != nil {
			r.fail(doc.Body, "a second document, want one list of waivers")
			break
		}
		body = doc.Body
	}
	return body
}

// text wants UTF-8 and returns it with plain line ends.
func (r *reader) text(source []byte) (string, bool) {
	if len(source) > maxFile {
		r.failAt(position{1, 1}, "more than %d bytes, want a shorter file", maxFile)
		return "", false
	}
	text := strings.TrimPrefix(string(source), "\uFEFF")
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	at := position{1, 1}
	for i, c := range text {
		switch {
		case c == '\n':
			at = position{at.line + 1, 0}
		case c == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			r.failAt(at, "a byte %#02x that is not UTF-8", text[i])
			return "", false
		case c < ' ' && c != '\t' || c == 0x7f:
			r.failAt(at, "the control character %U, want none", c)
			return "", false
		}
		at.column++
	}
	return text, true
}

// scan splits the text into tokens and stops at the first bound that it exceeds.
func (r *reader) scan(text string) (token.Tokens, bool) {
	var s scanner.Scanner
	s.Init(text)
	var tokens token.Tokens
	open, hyphens, line := 0, 0, 0
	for {
		found, err := s.Scan()
		if errors.Is(err, io.EOF) {
			return tokens, true
		}
		before := len(tokens)
		tokens.Add(found...)
		for _, t := range tokens[before:] {
			at := tokenPosition(t)
			if at.line != line {
				line, hyphens = at.line, 0
			}
			switch t.Type {
			case token.SequenceStartType, token.MappingStartType:
				open++
			case token.SequenceEndType, token.MappingEndType:
				open = max(0, open-1)
			case token.SequenceEntryType:
				hyphens++
			case token.MappingKeyType:
				r.failAt(at, "a key after ?, want a plain key such as rule: LRO-08")
				return nil, false
			}
			// In block style each level needs a line, and a longer one.
			if open+hyphens > maxNesting {
				r.failAt(at, "nested too deep, want a list of waivers")
				return nil, false
			}
		}
		if len(tokens) > maxTokens {
			r.failAt(tokenPosition(tokens[len(tokens)-1]), "more than %d tokens, want a shorter file", maxTokens)
			return nil, false
		}
	}
}

// parsed keeps a defect of the parser from ending the program.
func parsed(tokens token.Tokens) (file *ast.File, err error) {
	defer func() {
		if recover() != nil {
			file, err = nil, errors.New("the YAML parser does not understand it")
		}
	}()
	// Keys that come twice are found later, where the first does not hide all other
	// mistakes.
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}
