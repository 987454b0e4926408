package report

import (
	"slices"
	"strings"
	"testing"
)

func TestReasons(t *testing.T) {
	for _, c := range []struct {
		names   []string
		numbers string
		back    []string
	}{
		{nil, "[]", []string{}},
		{[]string{"violentOrRepulsive", "captions"}, "[1,8]", []string{"violentOrRepulsive", "captions"}},
		{[]string{"privacy", "privacy", "boredom", ""}, "[4]", []string{"privacy"}},
	} {
		got := numbersOf(c.names)
		r := Report{Predefined: got}
		if got != c.numbers || !slices.Equal(r.predefined(), c.back) {
			t.Errorf("%v: %s, back %v, want %s, %v", c.names, got, r.predefined(), c.numbers, c.back)
		}
	}
	for _, odd := range []string{"", "x", `["a"]`, "[0,9,-1]"} {
		r := Report{Predefined: odd}
		if got := r.predefined(); len(got) != 0 {
			t.Errorf("%q: %v", odd, got)
		}
	}
}

func TestLabels(t *testing.T) {
	for s, want := range map[State]string{Pending: "Pending", Rejected: "Rejected", Accepted: "Accepted", 0: "Unknown", 4: "Unknown"} {
		if got := s.Label(); got != want {
			t.Errorf("%d: %s, want %s", s, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "short": "short", "a\xffb": "ab", strings.Repeat("ä", maxText): strings.Repeat("ä", maxText),
		strings.Repeat("ä", maxText+1): strings.Repeat("ä", maxText),
	} {
		if got := cut(in); got != want {
			t.Errorf("%.20q: %.20q", in, got)
		}
	}
}

// TestAddresses: what is found in the text of a report.
func TestAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"no address":                                         "",
		"Note: https://a.example/notes/1\nbad":               "https://a.example/notes/1",
		"(see http://a.example/1) and <https://b.example/2>": "http://a.example/1 https://b.example/2",
		"ftp://a.example/1 javascript:alert(1)":              "",
	} {
		if got := strings.Join(address.FindAllString(text, maxObjects), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
