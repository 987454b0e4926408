package wording

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"
)

func TestSafe(t *testing.T) {
	x := NewMarkdown()
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", " \n", ""},
		{"Markdown", "**bold** and *soft*", "<p><strong>bold</strong> and <em>soft</em></p>\n"},
		{"a bare address", "see https://a.example/x", `<p>see <a href="https://a.example/x" rel="nofollow noopener ugc" target="_blank">https://a.example/x</a></p>` + "\n"},
		{"HTML of other servers", `<p>One</p><p>Two <a href="https://b.example" class="mention">@b</a></p>`, `<p>One</p><p>Two <a href="https://b.example" rel="nofollow noopener ugc" target="_blank">@b</a></p>`},
		{"lines stay lines", "one\ntwo", "<p>one<br/>\ntwo</p>\n"},
		{"script", "<script>alert(1)</script>x", "x"},
		{"handler", `<img src=x onerror="alert(1)">text`, "<p>text</p>\n"},
		{"bad scheme", "[x](javascript:alert(1))", "<p>x</p>\n"},
		{"bad scheme in HTML", `<a href="java&#x0a;script:alert(1)">x</a>`, "<p>x</p>\n"},
		{"data address", "[x](data:text/html,1)", "<p>x</p>\n"},
		{"headings do not disturb the outline", "# Big", "Big\n"},
		{"style", `<p style="position:fixed">x</p>`, "<p>x</p>"},
		{"frames", `<iframe src="https://evil.example"></iframe>x`, "x"},
		{"mathml", `<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>`, "<p></p>"},
		{"open elements end with the text", `<blockquote><b><a href="https://a.example">x`, `<blockquote><b><a href="https://a.example" rel="nofollow noopener ugc" target="_blank">x</a></b></blockquote>`},
		{"closing elements that were never opened", "x</div></main></p>", "<p>x</p><p></p>\n"},
		{"relation in text", `rel="nofollow noopener" stays text`, "<p>rel=&#34;nofollow noopener&#34; stays text</p>\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(x.HTML(tt.in)); got != tt.want {
				t.Errorf("safe(%q)\n got %q\nwant %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestSummary(t *testing.T) {
	x := NewMarkdown()
	for in, want := range map[string]string{
		"":                                       "",
		"**One** <b>two</b>\n\nthree & four":     "One two three & four",
		"<script>alert(1)</script>After":         "After",
		"<p>One</p><p>Two</p>":                   "One Two",
		"[link](https://a.example) and \"this\"": `link and "this"`,
	} {
		if got := x.Summary(in); got != want {
			t.Errorf("summary(%q) = %q, want %q", in, got, want)
		}
	}
	long := x.Summary(strings.Repeat("wörd ", 200))
	if n := utf8.RuneCountInString(long); n > summaryRunes+1 || !strings.HasSuffix(long, "wörd…") {
		t.Errorf("a long text became %q (%d runes)", long, n)
	}
}

// FuzzSafe: whatever comes in, what goes out holds nothing but the listed
// elements and attributes.
func FuzzSafe(f *testing.F) {
	for _, s := range []string{
		"**a**", "<p>a</p>", "[x](javascript:alert(1))", "<svg><script>x</script></svg>", "<a href='https://a.example' onclick=x>a</a>",
		"<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">", "<!--><img src=x onerror=alert(1)>-->", "```\n<b>\n```", "<a href=\"\x01javascript:x\">", "&lt;script&gt;",
	} {
		f.Add(s)
	}
	x := NewMarkdown()
	elementsAllowed := " p br strong b em i del ul ol li code pre blockquote a html head body "
	f.Fuzz(func(t *testing.T, in string) {
		doc, err := html.Parse(strings.NewReader(string(x.HTML(in))))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if !strings.Contains(elementsAllowed, " "+n.Data+" ") {
				t.Errorf("safe(%q) lets <%s> through", in, n.Data)
			}
			for _, a := range n.Attr {
				good := n.Data == "a" && (a.Key == "rel" || a.Key == "target" ||
					a.Key == "href" && (strings.HasPrefix(a.Val, "http") || strings.HasPrefix(a.Val, "mailto:")))
				if !good {
					t.Errorf("safe(%q) lets %s=%q through on <%s>", in, a.Key, a.Val, n.Data)
				}
			}
		}
	})
}
