package trace

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// object writes the members of one JSON object.
type object struct {
	buf []byte
	sep byte // '{' before the first member, then ','
}

func (o *object) key(name string) {
	o.buf = append(append(append(o.buf, o.sep, '"'), name...), '"', ':')
	o.sep = ','
}

func (o *object) text(name, value string) {
	if value != "" {
		o.key(name)
		o.buf = appendText(o.buf, value)
	}
}

func (o *object) count(name string, n uint32) {
	if n != 0 {
		o.key(name)
		o.buf = strconv.AppendUint(o.buf, uint64(n), 10)
	}
}

func (o *object) span(name string, d time.Duration) {
	o.key(name)
	o.buf = appendSpan(o.buf, d)
}

func (o *object) bytes(name string, data []byte) {
	if len(data) > 0 {
		o.key(name)
		o.buf = append(o.buf, '"')
		o.buf = append(base64.StdEncoding.AppendEncode(o.buf, data), '"')
	}
}

func (o *object) blob(name string, b *Blob) {
	if b != nil {
		o.key(name)
		o.buf = appendID(o.buf, b.ID())
	}
}

func (o *object) enum(name string, n int32, names map[int32]string) {
	if n == 0 {
		return
	}
	o.key(name)
	if known, ok := names[n]; ok {
		o.buf = append(append(append(o.buf, '"'), known...), '"')
	} else {
		o.buf = strconv.AppendInt(o.buf, int64(n), 10)
	}
}

func (o *object) fields(name string, list Fields) {
	if len(list) == 0 {
		return
	}
	o.key(name)
	o.buf = append(o.buf, '[')
	for i, f := range list {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		inner := object{o.buf, '{'}
		inner.text("name", f.Name)
		if utf8.ValidString(f.Value) {
			inner.text("value", f.Value)
		} else {
			inner.bytes("raw", []byte(f.Value))
		}
		o.buf = inner.end()
	}
	o.buf = append(o.buf, ']')
}

// end closes the object.
func (o *object) end() []byte {
	if o.sep == '{' {
		o.buf = append(o.buf, '{')
	}
	return append(o.buf, '}')
}

// compactJSON is the message without the spaces that protojson strews in.
func compactJSON(m proto.Message) ([]byte, error) {
	spaced, err := protojson.Marshal(m)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Compact(&b, spaced); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func appendID(buf []byte, id ID) []byte {
	const digits = "0123456789abcdef"
	buf = append(buf, '"')
	for _, c := range id {
		buf = append(buf, digits[c>>4], digits[c&15])
	}
	return append(buf, '"')
}

// appendSpan writes seconds with no, 3, 6 or 9 decimals.
func appendSpan(buf []byte, d time.Duration) []byte {
	seconds, nanos := int64(d/time.Second), int64(d%time.Second)
	buf = append(buf, '"')
	if d < 0 {
		buf, seconds, nanos = append(buf, '-'), -seconds, -nanos
	}
	buf = strconv.AppendInt(buf, seconds, 10)
	if nanos != 0 {
		start := len(buf)
		buf = strconv.AppendInt(buf, int64(time.Second)+nanos, 10) // the leading 1 becomes the point
		buf[start] = '.'
		for range 2 {
			if n := len(buf); string(buf[n-3:]) == "000" {
				buf = buf[:n-3]
			}
		}
	}
	return append(buf, 's', '"')
}

// appendText writes a string as JSON, in UTF-8.
func appendText(buf []byte, text string) []byte {
	const digits = "0123456789abcdef"
	buf = append(buf, '"')
	start := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && size == 1 {
				// A run of such bytes becomes one replacement, as in clean.
				buf = append(append(buf, text[start:i]...), "\uFFFD"...)
				for i < len(text) {
					if r, size := utf8.DecodeRuneInString(text[i:]); r != utf8.RuneError || size != 1 {
						break
					}
					i++
				}
				start = i
				continue
			}
			i += size
			continue
		}
		buf = append(buf, text[start:i]...)
		switch c {
		case '"', '\\':
			buf = append(buf, '\\', c)
		case '\n':
			buf = append(buf, '\\', 'n')
		case '\r':
			buf = append(buf, '\\', 'r')
		case '\t':
			buf = append(buf, '\\', 't')
		default:
			buf = append(buf, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
		i++
		start = i
	}
	return append(append(buf, text[start:]...), '"')
}
