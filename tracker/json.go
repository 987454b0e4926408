package tracker

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// maxDepth bounds nesting in a message; offers nest two levels deep.
const maxDepth = 16

// scanner walks over one JSON text (RFC 8259) without copying it. It exists
// because offers and answers, which are nearly all of the traffic, are only
// passed on: a walk finds where they begin and end and that they are valid.
// The text must be valid UTF-8.
type scanner struct {
	data []byte
	pos  int
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// accept steps over c and the space behind it, if c comes next.
func (s *scanner) accept(c byte) bool {
	if s.pos == len(s.data) || s.data[s.pos] != c {
		return false
	}
	s.pos++
	s.space()
	return true
}

// value steps over the next value and the space behind it, and returns the
// value's bytes.
func (s *scanner) value(depth int) ([]byte, bool) {
	if s.pos == len(s.data) || depth == 0 {
		return nil, false
	}
	begin := s.pos
	var ok bool
	switch c := s.data[s.pos]; {
	case c == '{':
		ok = s.object(depth, func(_, _ []byte) bool { return true })
	case c == '[':
		ok = s.array(depth, func([]byte) bool { return true })
	case c == '"':
		_, ok = s.string()
	case c == '-' || '0' <= c && c <= '9':
		ok = s.number()
	default:
		ok = s.word("true") || s.word("false") || s.word("null")
	}
	raw := bytes.TrimRight(s.data[begin:s.pos], " \t\n\r")
	s.space()
	return raw, ok
}

// object calls member with each raw key and raw value, until it returns false.
func (s *scanner) object(depth int, member func(key, value []byte) bool) bool {
	if !s.accept('{') {
		return false
	}
	if s.accept('}') {
		return true
	}
	for {
		key, ok := s.string()
		if !ok {
			return false
		}
		s.space()
		if !s.accept(':') {
			return false
		}
		value, ok := s.value(depth - 1)
		if !ok || !member(key, value) {
			return false
		}
		if s.accept('}') {
			return true
		}
		if !s.accept(',') {
			return false
		}
	}
}

// array calls element with each raw value, until it returns false.
func (s *scanner) array(depth int, element func(value []byte) bool) bool {
	if !s.accept('[') {
		return false
	}
	if s.accept(']') {
		return true
	}
	for {
		value, ok := s.value(depth - 1)
		if !ok || !element(value) {
			return false
		}
		if s.accept(']') {
			return true
		}
		if !s.accept(',') {
			return false
		}
	}
}

// inString marks the bytes that may stand in a string as they are.
var inString = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= 0x20 && c != '"' && c != '\\'
	}
	return t
}()

// string steps over a string and returns it with its quotes. Most of what a
// busy tracker computes is this loop.
func (s *scanner) string() ([]byte, bool) {
	begin := s.pos
	if s.pos == len(s.data) || s.data[s.pos] != '"' {
		return nil, false
	}
	for s.pos++; ; s.pos++ {
		rest := s.data[s.pos:]
		n := 0
		for n < len(rest) && inString[rest[n]] {
			n++
		}
		s.pos += n
		switch {
		case n == len(rest):
			return nil, false
		case rest[n] == '"':
			s.pos++
			return s.data[begin:s.pos], true
		case rest[n] != '\\' || !s.escape():
			return nil, false
		}
	}
}

// escape steps from a backslash to the last byte of its escape.
func (s *scanner) escape() bool {
	s.pos++
	if s.pos == len(s.data) {
		return false
	}
	switch s.data[s.pos] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		if s.pos+4 >= len(s.data) {
			return false
		}
		for range 4 {
			s.pos++
			if _, ok := fromHex(s.data[s.pos]); !ok {
				return false
			}
		}
		return true
	}
	return false
}

func (s *scanner) number() bool {
	if s.pos < len(s.data) && s.data[s.pos] == '-' {
		s.pos++
	}
	if s.pos < len(s.data) && s.data[s.pos] == '0' {
		s.pos++
	} else if !s.digits() {
		return false
	}
	if s.pos < len(s.data) && s.data[s.pos] == '.' {
		s.pos++
		if !s.digits() {
			return false
		}
	}
	if s.pos < len(s.data) && (s.data[s.pos] == 'e' || s.data[s.pos] == 'E') {
		s.pos++
		if s.pos < len(s.data) && (s.data[s.pos] == '+' || s.data[s.pos] == '-') {
			s.pos++
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	begin := s.pos
	for s.pos < len(s.data) && '0' <= s.data[s.pos] && s.data[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > begin
}

func (s *scanner) word(w string) bool {
	if !bytes.HasPrefix(s.data[s.pos:], []byte(w)) {
		return false
	}
	s.pos += len(w)
	return true
}

// unquote returns the text of a raw string. Most need no decoding.
func unquote(raw []byte) ([]byte, bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return nil, false
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], true
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, false
	}
	return []byte(text), true
}

// binary20 reads a raw string of exactly 20 code points up to U+00FF, each of
// which stands for a byte. The string must have been scanned.
func binary20(dst *[20]byte, raw []byte) bool {
	if len(raw) < 2 || raw[0] != '"' {
		return false
	}
	text, n := raw[1:len(raw)-1], 0
	for i := 0; i < len(text); n++ {
		c, size := rune(text[i]), 1
		switch {
		case c == '\\':
			c, size = unescape(text[i:])
		case c >= utf8.RuneSelf:
			c, size = utf8.DecodeRune(text[i:])
		}
		if n == len(dst) || c > 0xff {
			return false
		}
		dst[n] = byte(c & 0xff)
		i += size
	}
	return n == len(dst)
}

// unescape reads a valid escape and returns its length. Halves of surrogate
// pairs come out as they are, which is beyond what callers accept.
func unescape(s []byte) (rune, int) {
	switch s[1] {
	case 'u':
		var c rune
		for _, digit := range s[2:6] {
			d, _ := fromHex(digit)
			c = c<<4 | rune(d)
		}
		return c, 6
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	}
	return rune(s[1]), 2
}

// appendBinary writes bytes as the string that binary20 reads.
func appendBinary(b, data []byte) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, c := range data {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			b = append(b, c)
		default:
			b = utf8.AppendRune(b, rune(c))
		}
	}
	return append(b, '"')
}
