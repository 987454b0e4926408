package watchedword

import (
	"strings"
	"testing"
)

// TestMatch: whole words, in any case and script, and nothing else.
func TestMatch(t *testing.T) {
	for _, c := range []struct {
		words, text string
		want        bool
	}{
		{"spam", "This is SPAM.", true},
		{"spam", "spam", true},
		{"spam", "spammer", false},
		{"spam", "antispam", false},
		{"spam", "spam_bot", false},
		{"spam", "spam2", false},
		{"spam", "(spam)", true},
		{"spam", "no-spam!", true},
		{"spam", "spammer, then spam", true},
		{"spam", "", false},
		{"free money", "get FREE \n\t money now", true},
		{"free money", "free  moneyless", false},
		{"free money", "free, money", false},
		{"c++", "I like C++!", true},
		{"c++", "abc++", false},
		{"+1", "me +1", true},
		{"straße", "STRASSE", true},
		{"ÉCOLE", "une école", true},
		{"école", "ecole", false},
		{"ΣΊΣΥΦΟΣ", "σίσυφος", true},
		{"спам", "Это СПАМ", true},
		{"спам", "спамер", false},
		{"ﬁn", "FIN", true},
		{"spam", "s\u200bp\u00adam", true}, // what is not seen hides nothing
		{"ｓｐａｍ", "spam", true},
		{"広告", "これは広告です", true}, // no spaces between words
		{"หวย", "ขายหวยออนไลน์", true},
		{"🍆", "look 🍆🍆", true},
		{"e\u0301t\u00e9", "\u00e9te\u0301", true},
		{"spam ham", "spam", false},
		{"a", "b a c", true},
		{"spam|ham|eggs", "green eggs", true},
		{".*", "anything", false},
		{"", "anything", false},
	} {
		if got := newMatcher(strings.Split(c.words, "|")).in(fold(c.text)); got != c.want {
			t.Errorf("%q in %q: %v", c.words, c.text, got)
		}
	}
}

// TestMatchWork: the worst words make the text no longer than it is: each place is
// looked at once for each rune of a word.
func TestMatchWork(t *testing.T) {
	word := strings.Repeat("字", maxWord-1) + "x"
	m := newMatcher([]string{word})
	if text := fold(strings.Repeat("字", 200_000)); m.in(text) {
		t.Error("found what is not there")
	}
	if !m.in(fold(strings.Repeat("字", 200_000) + "x")) {
		t.Error("not found at the end")
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("spam", "This is spam")
	f.Add("c++", "\xff\x00c++")
	f.Add("広告", "これは広告です")
	f.Fuzz(func(t *testing.T, word, text string) {
		if len(word) > 400 {
			return
		}
		m := newMatcher([]string{word})
		if len(fold(word)) > 0 && !m.in(fold(word)) {
			t.Errorf("%q is not found in itself", word)
		}
		m.in(fold(text))
	})
}

// TestLinks: addresses of other servers.
func TestLinks(t *testing.T) {
	for text, want := range map[string]bool{
		"":                                 false,
		"see https://other.example/x":      true,
		"see HTTP://OTHER.example":         true,
		"see https://tube.example/w/abc":   false,
		"https://TUBE.example, and so on":  false,
		"https://tube.example.evil.test/":  true,
		"https://tube.example https://a.b": true,
		"ftp://other.example":              false,
		"https://":                         false,
		"other.example":                    false,
		"javascript://other":               false,
	} {
		if got := links(text, "tube.example"); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
