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
	"io"
	"strings"
	"unicode/utf8"
)

// Limits bound one document. A zero field means "no limit of this kind".
type Limits struct {
	Bytes int // of the whole document
	Depth int // levels of objects and arrays
	Items int // members of one array
}

// Activity are the limits of an incoming activity and of a fetched document
// (SEC-27, SEC-32).
var Activity = Limits{Bytes: 1 << 20, Depth: 32, Items: 1000}

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
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	s := scanner{limits: l}
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrRefused, err)
		}
		if err := s.token(tok); err != nil {
			return fmt.Errorf("%w: %w", ErrRefused, err)
		}
	}
	if s.values != 1 || len(s.stack) != 0 {
		return fmt.Errorf("%w: not one value", ErrRefused)
	}
	return nil
}

// level is one open object or array.
type level struct {
	keys   map[string]struct{} // nil for an array
	isKey  bool                // the next token of an object is a key
	length int
}

type scanner struct {
	limits Limits
	stack  []level
	values int // complete or begun values at top level
}

func (s *scanner) token(tok json.Token) error {
	switch d := tok.(type) {
	case json.Delim:
		if d == '}' || d == ']' {
			s.stack = s.stack[:len(s.stack)-1]
			return nil
		}
		if err := s.value(); err != nil {
			return err
		}
		next := level{}
		if d == '{' {
			next = level{keys: make(map[string]struct{}, 8), isKey: true}
		}
		s.stack = append(s.stack, next)
		if s.limits.Depth > 0 && len(s.stack) > s.limits.Depth {
			return fmt.Errorf("deeper than %d levels", s.limits.Depth)
		}
		return nil
	case string:
		if strings.IndexByte(d, 0) >= 0 {
			return errors.New("NUL character")
		}
		if top := s.top(); top != nil && top.keys != nil && top.isKey {
			if _, twice := top.keys[d]; twice {
				return errors.New("repeated key")
			}
			top.keys[d] = struct{}{}
			top.isKey = false
			return nil
		}
	}
	return s.value()
}

// value counts the start of one value in the innermost open level.
func (s *scanner) value() error {
	top := s.top()
	if top == nil {
		s.values++
		if s.values > 1 {
			return errors.New("more than one value")
		}
		return nil
	}
	if top.keys != nil {
		top.isKey = true
		return nil
	}
	top.length++
	if s.limits.Items > 0 && top.length > s.limits.Items {
		return fmt.Errorf("more than %d items", s.limits.Items)
	}
	return nil
}

func (s *scanner) top() *level {
	if len(s.stack) == 0 {
		return nil
	}
	return &s.stack[len(s.stack)-1]
}
