package watchedword

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// matcher finds words in texts: whole ones, whatever their case. The time it
// takes grows with the length of the text alone, since no word is longer than
// [maxWord].
type matcher struct{ root node }

// node is a place in the tree of the runes of all words.
type node struct {
	next map[rune]*node
	end  bool // a word ends here
}

func newMatcher(words []string) *matcher {
	m := &matcher{}
	for _, w := range words {
		n := &m.root
		for _, r := range fold(w) {
			if n.next == nil {
				n.next = map[rune]*node{}
			}
			if n.next[r] == nil {
				n.next[r] = &node{}
			}
			n = n.next[r]
		}
		n.end = n != &m.root
	}
	return m
}

// in tells whether one of the words stands in a folded text.
func (m *matcher) in(text []rune) bool {
	for i := range text {
		if i > 0 && joined(text[i-1], text[i]) {
			continue
		}
		n := &m.root
		for j := i; j < len(text); j++ {
			if n = n.next[text[j]]; n == nil {
				break
			}
			if n.end && (j+1 == len(text) || !joined(text[j], text[j+1])) {
				return true
			}
		}
	}
	return false
}

// fold makes one spelling of all that look alike: without case, forms of
// compatibility, characters that are not seen, and more than one space.
func fold(s string) []rune {
	s = cases.Fold().String(norm.NFKC.String(s))
	out := make([]rune, 0, len(s))
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			if len(out) > 0 && out[len(out)-1] != ' ' {
				out = append(out, ' ')
			}
		case !unicode.Is(unicode.Cf, r):
			out = append(out, r)
		}
	}
	if n := len(out); n > 0 && out[n-1] == ' ' {
		out = out[:n-1]
	}
	return out
}

// joined tells whether two runes that follow each other belong to one word. In
// scripts that put no space between words, each rune may be one.
func joined(a, b rune) bool { return inWord(a) && inWord(b) }

func inWord(r rune) bool {
	if r < unicode.MaxASCII {
		return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	return (unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsNumber(r)) &&
		!unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// links tells whether a text has an address of another server than ours.
func links(text, ours string) bool {
	text = strings.ToLower(text)
	for {
		i := strings.Index(text, "://")
		if i < 0 {
			return false
		}
		scheme := text[:i]
		text = text[i+len("://"):]
		if !strings.HasSuffix(scheme, "http") && !strings.HasSuffix(scheme, "https") {
			continue
		}
		host := text
		if end := strings.IndexAny(host, "/?#\"'<>()[] \t\r\n"); end >= 0 {
			host = host[:end]
		}
		if host = strings.TrimRight(host, ".,;:!"); host != "" && host != ours {
			return true
		}
	}
}
