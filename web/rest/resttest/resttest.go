// Package resttest compares answers with those that were recorded of another
// server, field by field.
package resttest

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// Answer is a recorded answer.
type Answer struct {
	Status int `json:"status"`
	Body   any `json:"body"`
}

// Recorded reads a file of answers by name.
func Recorded(t testing.TB, file string) map[string]Answer {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]Answer{}
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return out
}

// Differences lists the members that one value has and the other lacks, and
// those of another JSON type, each by its path:
//
//	.data[].name is missing
//	.data[].secret is ours alone
//	.total is a string, not a number
//
// The elements of a list count together, null fits every type, and nothing is
// said about elements where one of the lists has none.
func Differences(want, got any) (out []string) {
	a, b := shapeOf(want), shapeOf(got)
	for _, path := range slices.Sorted(maps.Keys(a)) {
		theirs, ours := a[path], b[path]
		switch {
		case !within(b, path):
		case ours == "":
			out = append(out, path+" is missing")
		case theirs != ours && theirs != "null" && ours != "null":
			out = append(out, fmt.Sprintf("%s is %s, not %s", path, ours, theirs))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(b)) {
		if a[path] == "" && within(a, path) {
			out = append(out, path+" is ours alone")
		}
	}
	return out
}

// within tells whether the object or list that holds a path is there, with
// something in it.
func within(shape map[string]string, path string) bool {
	if path == "" {
		return true
	}
	if list, isElement := strings.CutSuffix(path, "[]"); isElement {
		return shape[list] == "a list" && shape[path] != ""
	}
	return shape[path[:strings.LastIndexByte(path, '.')]] == "an object"
}

// shapeOf gives the type of every path of a value.
func shapeOf(v any) map[string]string {
	out := map[string]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		kind := kindOf(v)
		if out[path] == "" || out[path] == "null" {
			out[path] = kind
		}
		switch x := v.(type) {
		case map[string]any:
			for name, member := range x {
				walk(path+"."+name, member)
			}
		case []any:
			for _, element := range x {
				walk(path+"[]", element)
			}
		}
	}
	walk("", v)
	return out
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	default:
		return "a number"
	}
}

// Allowed is a file of differences that are meant, one a line:
//
//	subject: difference -- reason
//
// A "*" in the subject or the difference stands for anything.
type Allowed struct {
	file  string
	lines []allowance
}

type allowance struct {
	subject, difference string
	used                bool
}

// ReadAllowed reads such a file. Every line must have a reason.
func ReadAllowed(t testing.TB, file string) *Allowed {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	a := &Allowed{file: file}
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		what, reason, _ := strings.Cut(line, " -- ")
		subject, difference, ok := strings.Cut(what, ": ")
		if !ok || strings.TrimSpace(reason) == "" {
			t.Errorf("%s: %q should be subject: difference -- reason", file, line)
			continue
		}
		a.lines = append(a.lines, allowance{subject: subject, difference: strings.TrimSpace(difference)})
	}
	return a
}

// Has tells whether a difference of a subject is listed.
func (a *Allowed) Has(subject, difference string) bool {
	found := false
	for i, l := range a.lines {
		if Match(l.subject, subject) && Match(l.difference, difference) {
			a.lines[i].used, found = true, true
		}
	}
	return found
}

// Match tells whether a text fits a pattern, in which "*" stands for anything.
func Match(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, p := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(text, p)
		if !found {
			return false
		}
		text = after
	}
	return true
}

// Unused fails the test for each line that nothing needed.
func (a *Allowed) Unused(t testing.TB) {
	t.Helper()
	for _, l := range a.lines {
		if !l.used {
			t.Errorf("%s: %s: %s is no longer so; remove the line", a.file, l.subject, l.difference)
		}
	}
}
