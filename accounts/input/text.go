package input

import (
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/kinemesh/kinemesh/web/rest"
)

// Lengths in characters, as PeerTube's clients expect them.
const (
	MaxName        = 50
	MaxDisplayName = 120
	MinText        = 3
	MaxText        = 1000
	maxEmail       = 400
)

// local names are stricter than what federated actors may use; the host part
// of a handle is never in them.
var localName = regexp.MustCompile(`^[a-z0-9_]+([a-z0-9_.-]+[a-z0-9_]+)?$`)

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

// Text cleans a text of several lines like [Line], keeping line feeds and tabs.
func Text(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return visible(r)
	}, s)
	return norm.NFC.String(strings.TrimSpace(s))
}

// Plain tells whether s may be looked up: PostgreSQL takes neither invalid UTF-8
// nor zero bytes, and no name holds control characters.
func Plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// visible is r, or -1 for a character that could hide or reorder others. The
// zero-width joiner stays: emoji and several scripts need it, and alone it
// makes no text (see Line's callers, which refuse what is blank).
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

// blank tells whether nothing of s would be seen.
func blank(s string) bool { return strings.Trim(s, " \u200d\ufe0f\n\t") == "" }

// Name checks a new local name, of a user or a channel.
func Name(c *rest.Checker, param, s string) string {
	if len(s) < 1 || len(s) > MaxName || !localName.MatchString(s) {
		c.Refuse("body", param, "Should be 1 to 50 of a-z, 0-9, _ and, within, . and -", s)
	}
	return s
}

// ValidName tells whether s could be the name of a local actor.
func ValidName(s string) bool { return len(s) <= MaxName && localName.MatchString(s) }

// DisplayName cleans and checks a display name.
func DisplayName(c *rest.Checker, param, s string) string {
	clean := Line(s)
	if n := utf8.RuneCountInString(clean); n < 1 || n > MaxDisplayName || blank(clean) {
		c.Refuse("body", param, fmt.Sprintf("Should be 1 to %d visible characters", MaxDisplayName), s)
	}
	return clean
}

// LongText cleans and checks a description or support text; null and a blank
// text clear it.
func LongText(c *rest.Checker, param string, o Optional[string]) string {
	clean := Text(o.Value)
	if !o.Given() || blank(clean) {
		return ""
	}
	if n := utf8.RuneCountInString(clean); n < MinText || n > MaxText {
		c.Refuse("body", param, fmt.Sprintf("Should be %d to %d characters", MinText, MaxText), o.Value)
	}
	return clean
}

// Email checks an e-mail address and makes it lower case.
func Email(c *rest.Checker, param, s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	a, err := mail.ParseAddress(s)
	_, host, _ := strings.Cut(s, "@")
	if err != nil || a.Address != s || a.Name != "" || len(s) > maxEmail || host == "" || strings.ContainsAny(s, "<>\" \\") {
		c.Refuse("body", param, "Should be an e-mail address", s)
	}
	return s
}
