package input

import (
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kinemesh/kinemesh/activitypub/text"
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

// Line cleans one line of text, such as a display name (SEC-38).
func Line(s string) string { return text.Line(s) }

// Text cleans a text of several lines like [Line], keeping line feeds and tabs.
func Text(s string) string { return text.Lines(s) }

// Plain tells whether s may be looked up: PostgreSQL takes neither invalid UTF-8
// nor zero bytes, and no name holds control characters.
func Plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

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
	if n := utf8.RuneCountInString(clean); n < 1 || n > MaxDisplayName || text.Blank(clean) {
		c.Refuse("body", param, fmt.Sprintf("Should be 1 to %d visible characters", MaxDisplayName), s)
	}
	return clean
}

// LongText cleans and checks a description or support text; null and a blank
// text clear it.
func LongText(c *rest.Checker, param string, o Optional[string]) string {
	clean := Text(o.Value)
	if !o.Given() || text.Blank(clean) {
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
