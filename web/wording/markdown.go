package wording

import (
	"bytes"
	"html"
	"html/template"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	goldhtml "github.com/yuin/goldmark/renderer/html"
	nethtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Markdown makes safe HTML of what users and other servers write: Markdown, which
// may hold HTML (PeerTube writes the one, Mastodon the other). It is safe for
// concurrent use.
type Markdown struct {
	markdown goldmark.Markdown
	policy   *bluemonday.Policy
	strict   *bluemonday.Policy
}

// NewMarkdown compiles the rules.
func NewMarkdown() *Markdown {
	p := bluemonday.NewPolicy() // SEC-37
	p.AllowElements("p", "br", "strong", "b", "em", "i", "del", "ul", "ol", "li", "code", "pre", "blockquote")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(false)
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true)
	return &Markdown{
		markdown: goldmark.New(
			goldmark.WithExtensions(extension.Linkify, extension.Strikethrough),
			// What is raw passes here and is cleaned below, with the rest.
			goldmark.WithRendererOptions(goldhtml.WithUnsafe(), goldhtml.WithHardWraps()),
		),
		policy: p,
		strict: bluemonday.StrictPolicy(),
	}
}

// relation is what the sanitiser writes on links that leave. Quotes in text are
// escaped, so that it stands nowhere else.
var relation = strings.NewReplacer(`rel="nofollow noopener"`, `rel="nofollow noopener ugc"`)

// HTML renders Markdown; it returns nothing when that fails.
func (m *Markdown) HTML(source string) template.HTML {
	if strings.TrimSpace(source) == "" {
		return ""
	}
	var b bytes.Buffer
	if err := m.markdown.Convert([]byte(source), &b); err != nil {
		return ""
	}
	return template.HTML(relation.Replace(balance(m.policy.Sanitize(b.String())))) //nolint:gosec // sanitised on this line
}

// balance closes what is open, so that a text ends where its place on the page
// does: an open link would swallow the rest of it.
func balance(fragment string) string {
	nodes, err := nethtml.ParseFragment(strings.NewReader(fragment), &nethtml.Node{Type: nethtml.ElementNode, Data: "div", DataAtom: atom.Div})
	if err != nil {
		return ""
	}
	var b strings.Builder
	for _, n := range nodes {
		if err := nethtml.Render(&b, n); err != nil {
			return ""
		}
	}
	return b.String()
}

var spaces = regexp.MustCompile(`\s+`)

const summaryRunes = 250

// Summary is the beginning of a text without any markup, for previews.
func (m *Markdown) Summary(source string) string {
	plain := m.strict.Sanitize(strings.ReplaceAll(string(m.HTML(source)), "<", " <"))
	plain = strings.TrimSpace(spaces.ReplaceAllString(html.UnescapeString(plain), " "))
	if utf8.RuneCountInString(plain) <= summaryRunes {
		return plain
	}
	cut := string([]rune(plain)[:summaryRunes])
	if i := strings.LastIndexByte(cut, ' '); i > 0 {
		cut = cut[:i]
	}
	return cut + "…"
}
