package trace

import (
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Redacted stands where a secret was.
const Redacted = "(redacted)"

var (
	// A name that has one of these in it is secret: it is better to lose the value
	// of a harmless header than to publish a credential in a test's artefact.
	secretParts = []string{"authorization", "cookie", "token", "secret", "password", "passwd", "api-key", "apikey", "credential"}

	// Their requests and answers are credentials.
	secretServices = []string{"yandex.cloud.iam.v1.IamTokenService/"}
)

// Redactor takes secrets out of what an observer captures, before it is kept
// anywhere. Its zero value knows the credentials that everybody has; it does not
// change and is safe for concurrent use.
type Redactor struct{ names map[string]bool }

// NewRedactor takes names of further headers, metadata or query parameters
// whose values are secret, in any case, with or without the suffix `-bin`.
func NewRedactor(names ...string) *Redactor {
	r := &Redactor{names: make(map[string]bool, len(names))}
	for _, name := range names {
		r.names[bare(strings.ToLower(name))] = true
	}
	return r
}

// bare is a name without the suffix that marks binary metadata.
func bare(lower string) string { return strings.TrimSuffix(lower, "-bin") }

// Append appends a header or trailer in its redacted form.
func (r *Redactor) Append(list Fields, name, value string) Fields {
	lower := lowered(name)
	if r.secret(lower) || holdsToken(value) || strings.HasSuffix(lower, "-bin") && holdsToken(unpacked(value)) {
		value = Redacted
	}
	return append(list, Field{lower, value})
}

// AppendMap appends the fields of an http.Header or a gRPC metadata.MD, sorted by
// name because a map has no order.
func (r *Redactor) AppendMap(list Fields, header map[string][]string) Fields {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			list = r.Append(list, name, value)
		}
	}
	return list
}

// Target is the target of an HTTP request with secret query parameters redacted.
func (r *Redactor) Target(target string) string {
	path, query, ok := strings.Cut(target, "?")
	if !ok {
		return target
	}
	parameters := strings.Split(query, "&")
	for i, p := range parameters {
		name, value, _ := strings.Cut(p, "=")
		lower := strings.ToLower(unescaped(name))
		if r.secret(lower) || r.secret(strings.ReplaceAll(lower, "_", "-")) || holdsToken(unescaped(value)) {
			parameters[i] = name + "=" + Redacted
		}
	}
	return path + "?" + strings.Join(parameters, "&")
}

// Withholds reports whether the messages of a method are secret, so that an
// observer keeps neither.
func (r *Redactor) Withholds(method string) bool {
	return slices.ContainsFunc(secretServices, func(s string) bool { return strings.HasPrefix(method, s) })
}

func unescaped(part string) string {
	if plain, err := url.QueryUnescape(part); err == nil {
		return plain
	}
	return part
}

func (r *Redactor) secret(lower string) bool {
	if r != nil && r.names[bare(lower)] {
		return true
	}
	if _, harmless := common[lower]; harmless {
		return false
	}
	return slices.ContainsFunc(secretParts, func(part string) bool { return strings.Contains(lower, part) })
}

// unpacked is the binary value of a header, if it is in base64.
func unpacked(value string) string {
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
	if err != nil {
		return ""
	}
	return string(raw)
}

// holdsToken finds credentials that a client or a proxy has put under a name of
// its own: those with a scheme, JSON web tokens, and the vendor's IAM tokens.
func holdsToken(value string) bool {
	const shortest = 16
	if len(value) < shortest {
		return false
	}
	if strings.Contains(value, "eyJ") || strings.Contains(value, "t1.") {
		for word := range strings.FieldsFuncSeq(value, func(c rune) bool { return !tokenCharacter(c) }) {
			jwt := strings.HasPrefix(word, "eyJ") && strings.Count(word, ".") == 2
			iam := strings.HasPrefix(word, "t1.") && strings.Count(word, ".") >= 2
			if len(word) >= shortest && (jwt || iam) {
				return true
			}
		}
	}
	return withScheme(value, "bearer ") || withScheme(value, "basic ")
}

func tokenCharacter(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-_=.~+/", c)
}

// withScheme finds a scheme, in any case, with what can be a credential after it.
func withScheme(value, scheme string) bool {
	const shortest = 8
	for i := 0; i+len(scheme)+shortest <= len(value); i++ {
		if value[i]|0x20 != scheme[0] || !strings.EqualFold(value[i:i+len(scheme)], scheme) {
			continue
		}
		rest := strings.TrimLeft(value[i+len(scheme):], " ")
		if end := strings.IndexFunc(rest, func(c rune) bool { return !tokenCharacter(c) }); end < 0 && len(rest) >= shortest || end >= shortest {
			return true
		}
	}
	return false
}
