// Package strict checks JSON from outside before anything decodes it: size,
// nesting, repeated keys, encoding, length of lists. What passes can be
// decoded by encoding/json without surprises (SECURITY-bar D and M).
//
// Imports nobody of the project.
package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Limits bound one document. A zero field means "no limit of this kind".
type Limits struct {
	Bytes int // of the whole document
	Depth int // levels of objects and arrays
	Items int // members of one array
	Text  int // bytes of one string, as it stands in the document
}

// Activity are the limits of an incoming activity and of a fetched document
// (SEC-27, SEC-32, SEC-36).
var Activity = Limits{Bytes: 1 << 20, Depth: 32, Items: 1000, Text: 64 << 10}

// ErrRefused is wrapped by every error of Check.
var ErrRefused = errors.New("refused JSON")

// Check reads raw once and tells the first rule it breaks: it must be exactly
// one JSON value in UTF-8 without a byte order mark, without repeated keys
// (`{"actor":…,"actor":…}` means different things to different readers) and
// without NUL characters, which PostgreSQL cannot store.
func Check(raw []byte, l Limits) error {
	if l.Bytes > 0 && len(raw) > l.Bytes {
		return fmt.Errorf("%w: %d bytes", ErrRefused, len(raw))
	}
	if !utf8.Valid(raw) {
		return fmt.Errorf("%w: not UTF-8", ErrRefused)
	}
	// The standard library knows what JSON is; after it, the shape is certain
	// and only our own rules are left to check.
	if !json.Valid(raw) {
		return fmt.Errorf("%w: not one JSON value", ErrRefused)
	}
	s := scanner{raw: raw, limits: l}
	if err := s.run(); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return nil
}

// level is one open object or array.
type level struct {
	object bool
	from   int // where its keys begin in scanner.keys
	items  int // commas seen and one, of an array that is not empty
}

// linear is how many keys are compared one by one before a map is made.
const linear = 24

// scanner walks over valid JSON.
type scanner struct {
	raw    []byte
	at     int
	limits Limits
	stack  []level
	keys   [][]byte              // of all open objects, innermost last
	sets   []map[string]struct{} // beside stack: keys of a large object
}

func (s *scanner) run() error {
	key := false // the next string of an object is a key
	for s.at < len(s.raw) {
		c := s.raw[s.at]
		switch c {
		case '{', '[':
			if err := s.count(); err != nil {
				return err
			}
			s.stack = append(s.stack, level{object: c == '{', from: len(s.keys)})
			s.sets = append(s.sets, nil)
			if s.limits.Depth > 0 && len(s.stack) > s.limits.Depth {
				return fmt.Errorf("deeper than %d levels", s.limits.Depth)
			}
			key = c == '{'
		case '}', ']':
			s.keys = s.keys[:s.stack[len(s.stack)-1].from]
			s.stack, s.sets = s.stack[:len(s.stack)-1], s.sets[:len(s.sets)-1]
			key = false
		case ',':
			key = s.stack[len(s.stack)-1].object
		case ':', ' ', '\t', '\r', '\n':
		case '"':
			if err := s.text(key); err != nil {
				return err
			}
			key = false
			continue
		default:
			if err := s.count(); err != nil {
				return err
			}
			s.skipScalar()
			continue
		}
		s.at++
	}
	return nil
}

// count counts the members of an array.
func (s *scanner) count() error {
	if len(s.stack) == 0 {
		return nil
	}
	top := &s.stack[len(s.stack)-1]
	if top.object {
		return nil
	}
	top.items++
	if s.limits.Items > 0 && top.items > s.limits.Items {
		return fmt.Errorf("more than %d items", s.limits.Items)
	}
	return nil
}

// skipScalar goes to the end of a number or a name.
func (s *scanner) skipScalar() {
	for ; s.at < len(s.raw); s.at++ {
		switch s.raw[s.at] {
		case ',', ']', '}', ' ', '\t', '\r', '\n':
			return
		}
	}
}

// text reads a string.
func (s *scanner) text(key bool) error {
	begin := s.at
	escaped := false
	for s.at++; ; s.at++ {
		c := s.raw[s.at]
		if c == '"' {
			break
		}
		if c == '\\' {
			escaped = true
			s.at++
		}
	}
	s.at++
	inner := s.raw[begin+1 : s.at-1]
	if s.limits.Text > 0 && len(inner) > s.limits.Text {
		return fmt.Errorf("text of more than %d bytes", s.limits.Text)
	}
	if escaped && hasNUL(inner) {
		return errors.New("NUL character")
	}
	if escaped && key {
		var text string
		if err := json.Unmarshal(s.raw[begin:s.at], &text); err != nil {
			return err
		}
		inner = []byte(text)
	}
	if !key {
		return s.count()
	}
	return s.key(inner)
}

// hasNUL looks for the escaped form; the plain one is no JSON.
func hasNUL(inner []byte) bool {
	for i := 0; i+5 < len(inner); i++ {
		if inner[i] != '\\' {
			continue
		}
		if string(inner[i+1:i+6]) == "u0000" {
			return true
		}
		i++
	}
	return false
}

// key notes a key of the innermost object.
func (s *scanner) key(name []byte) error {
	n := len(s.stack) - 1
	mine := s.keys[s.stack[n].from:]
	set := s.sets[n]
	var twice bool
	switch {
	case set != nil:
		_, twice = set[string(name)]
	case len(mine) < linear:
		twice = slices.ContainsFunc(mine, func(k []byte) bool { return bytes.Equal(k, name) })
	default:
		set = make(map[string]struct{}, 4*linear)
		for _, k := range mine {
			set[string(k)] = struct{}{}
		}
		s.sets[n] = set
		_, twice = set[string(name)]
	}
	if twice {
		return errors.New("repeated key")
	}
	if set != nil {
		set[string(name)] = struct{}{}
		return nil
	}
	s.keys = append(s.keys, name)
	return nil
}
