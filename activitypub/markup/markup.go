// Package markup makes texts of other servers and of users safe: HTML, as
// Mastodon sends it, and Markdown, as PeerTube does. All of both passes here on
// its way in (SEC-37); what comes out may be shown by a browser.
//
// Imports nobody of the project.
package markup

import (
	"bytes"
	"html"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	goldhtml "github.com/yuin/goldmark/renderer/html"
	nethtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

var (
	allowed  = policy()
	strict   = bluemonday.StrictPolicy()
	renderer = goldmark.New(
		goldmark.WithExtensions(extension.Linkify, extension.Strikethrough),
		// What is raw passes here and is cleaned with the rest.
		goldmark.WithRendererOptions(goldhtml.WithUnsafe(), goldhtml.WithHardWraps()),
	)
)

// policy is the list of what may stay (SEC-37).
func policy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "strong", "b", "em", "i", "del", "ul", "ol", "li", "code", "pre", "blockquote")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(false)
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true)
	return p
}

// relation is what the sanitiser writes on links that leave. Quotes in text are
// escaped, so that it stands nowhere else.
var relation = strings.NewReplacer(`rel="nofollow noopener"`, `rel="nofollow noopener ugc"`)

// HTML keeps what is allowed of s and closes what is open.
func HTML(s string) string {
	nodes, err := nethtml.ParseFragment(strings.NewReader(relation.Replace(allowed.Sanitize(s))),
		&nethtml.Node{Type: nethtml.ElementNode, Data: "div", DataAtom: atom.Div})
	if err != nil {
		return ""
	}
	var b strings.Builder
	for _, n := range nodes {
		if nethtml.Render(&b, n) != nil {
			return ""
		}
	}
	return b.String()
}

// Plain is the text of s without any markup.
func Plain(s string) string {
	s = strings.NewReplacer("<br", "\n<br", "</p>", "\n</p>", "</li>", "\n</li>").Replace(s)
	return strings.TrimSpace(html.UnescapeString(strict.Sanitize(s)))
}

// Render makes safe HTML of Markdown.
func Render(markdown string) string {
	var b bytes.Buffer
	if renderer.Convert([]byte(markdown), &b) != nil {
		return ""
	}
	return strings.TrimSpace(HTML(b.String()))
}

// rounds bounds how often a text is cleaned until it stays as it is.
const rounds = 10

// Markdown takes the HTML out of a Markdown text that is not allowed and leaves
// the rest as it was written: quotes, ampersands, angle brackets of addresses.
func Markdown(s string) string {
	for range rounds {
		// What was taken out may have kept two halves of a tag apart.
		cleaned := markdown(s)
		if cleaned == s {
			return s
		}
		s = cleaned
	}
	return strings.ReplaceAll(s, "<", "&lt;")
}

func markdown(s string) string {
	if !strings.Contains(s, "<") {
		return s
	}
	var b strings.Builder
	z := nethtml.NewTokenizer(strings.NewReader(s))
	skip := ""
	for {
		kind := z.Next()
		raw := string(z.Raw())
		switch kind {
		case nethtml.ErrorToken:
			return b.String()
		case nethtml.TextToken:
			if skip == "" {
				b.WriteString(raw)
			}
		case nethtml.StartTagToken, nethtml.EndTagToken, nethtml.SelfClosingTagToken:
			name, _ := z.TagName()
			tag := string(name)
			switch {
			case skip != "":
				if kind == nethtml.EndTagToken && tag == skip {
					skip = ""
				}
			case autolink(raw):
				b.WriteString(raw)
			case kind == nethtml.StartTagToken && rawText[tag]:
				skip = tag
			default:
				b.WriteString(tagOf(raw))
			}
		case nethtml.CommentToken, nethtml.DoctypeToken:
		}
	}
}

// rawText are elements whose content is no text for readers.
var rawText = map[string]bool{
	"script": true, "style": true, "textarea": true, "title": true, "xmp": true, "iframe": true,
	"noembed": true, "noframes": true, "noscript": true, "plaintext": true,
}

// autolink tells the addresses that Markdown writes as <https://host>.
func autolink(raw string) bool {
	inner := strings.TrimSuffix(strings.TrimPrefix(raw, "<"), ">")
	return (strings.HasPrefix(inner, "https://") || strings.HasPrefix(inner, "http://") || strings.HasPrefix(inner, "mailto:")) &&
		!strings.ContainsAny(inner, " \t\r\n<>\"'`")
}

// tagOf is what the policy leaves of one tag. A closing one is judged by its
// opening one.
func tagOf(raw string) string {
	if strings.HasPrefix(raw, "</") {
		name := strings.ToLower(strings.Trim(raw, "</> \t\r\n"))
		if name == "a" || allowed.Sanitize("<"+name+">") == "<"+name+">" {
			return "</" + name + ">"
		}
		return ""
	}
	if cleaned := relation.Replace(allowed.Sanitize(raw)); strings.HasPrefix(cleaned, "<") {
		return cleaned
	}
	return ""
}

// Clip cuts s to n runes; what it leaves open in HTML is for HTML to close.
func Clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
