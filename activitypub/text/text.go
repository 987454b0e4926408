// Package text cleans names and texts of characters that hide or reorder others
// (SEC-38). What is markup in them is the business of package markup. It knows
// nobody of the project.
package text

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Line cleans one line of text, such as a display name: control, bidi and
// zero-width characters are removed, spaces joined, NFC applied (SEC-38). A
// text of only such characters becomes "".
func Line(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		return visible(r)
	}, strings.ToValidUTF8(s, ""))
	return norm.NFC.String(strings.Join(strings.Fields(s), " "))
}

// Lines cleans a text of several lines like [Line], keeping line feeds and
// tabs.
func Lines(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return visible(r)
	}, s)
	return norm.NFC.String(strings.TrimSpace(s))
}

// visible is r, or -1 for a character that could hide or reorder others. The
// zero-width joiner stays: emoji and several scripts need it, and alone it
// makes no text (see [Blank]).
func visible(r rune) rune {
	switch {
	case r == 0x200D: // zero-width joiner
		return r
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r),
		r == 0x2028, r == 0x2029, r == 0x115F, r == 0x1160, r == 0x3164, r == 0xFFA0, r == 0x2800:
		return -1
	}
	return r
}

// Blank tells whether nothing of s would be seen.
func Blank(s string) bool { return strings.Trim(s, " \u200d\ufe0f\n\t") == "" }

// Cut cuts s to at most n characters.
func Cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return strings.TrimSpace(string(r[:n]))
	}
	return s
}
