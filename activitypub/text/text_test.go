package text_test

import (
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/text"
)

// TestLine: what hides or reorders characters goes, what a script needs stays
// (SEC-38).
func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"Alice":                     "Alice",
		"  Alice \t\n Smith ":       "Alice Smith",
		"Ali\u202ece":               "Alice",
		"A\u200bl\u2060i\ufeffce":   "Alice",
		"Alice\x00\x07":             "Alice",
		"Cafe\u0301":                "Café",
		"\u202e\u200b\u2066":        "",
		"\u3164\u115f":              "",
		"👩\u200d🚀":                  "👩\u200d🚀",
		"日本語":                       "日本語",
		string([]byte{'a', 0xff}):   "a",
		"\U000E0041lice\U000E0042":  "lice",
		"private \ue000 characters": "private characters",
	} {
		if got := text.Line(in); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
		if again := text.Line(text.Line(in)); again != text.Line(in) {
			t.Errorf("Line(%q) is not idempotent", in)
		}
	}
	if !text.Blank("\u200d \ufe0f") || text.Blank("x\u200d") || !text.Blank("") {
		t.Error("what is blank")
	}
	if got := text.Lines("a\r\nb\tc\u202e\nd "); got != "a\nb\tc\nd" {
		t.Errorf("Lines = %q", got)
	}
	if got := text.Cut("äöü", 2); got != "äö" || text.Cut("äöü", 3) != "äöü" {
		t.Errorf("Cut = %q", got)
	}
}
