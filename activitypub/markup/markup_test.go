package markup

import (
	"strings"
	"testing"

	"github.com/microcosm-cc/bluemonday"
	nethtml "golang.org/x/net/html"
)

func TestHTML(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "Nice video", "Nice video"},
		{"paragraphs", "<p>a<br>b</p><p>c</p>", "<p>a<br/>b</p><p>c</p>"},
		{
			"Mastodon's mention", `<p><span class="h-card"><a href="https://peer.test/@rec" class="u-url mention" rel="nofollow">@<span>rec</span></a></span> hi</p>`,
			`<p><a href="https://peer.test/@rec" rel="nofollow noopener ugc" target="_blank">@rec</a> hi</p>`,
		},
		{"script", `a<script>alert(1)</script>b`, "ab"},
		{"handler", `<p onclick="x()">a</p>`, "<p>a</p>"},
		{"image", `<img src=x onerror=alert(1)>`, ""},
		{"scheme", `<a href="javascript:alert(1)">a</a>`, "a"},
		{"relative", `<a href="/logout">a</a>`, "a"},
		{"mail", `<a href="mailto:a@b.example">a</a>`, `<a href="mailto:a@b.example" rel="nofollow ugc">a</a>`},
		{"left open", `<p><strong>a`, "<p><strong>a</strong></p>"},
		{"text that looks like ours", `rel="nofollow noopener"`, "rel=&#34;nofollow noopener&#34;"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := HTML(c.in)
			if c.name == "mail" {
				if !strings.Contains(got, `href="mailto:a@b.example"`) || !strings.Contains(got, "nofollow") {
					t.Errorf("%s", got)
				}
				return
			}
			if got != c.want {
				t.Errorf("HTML(%q)\n got %s\nwant %s", c.in, got, c.want)
			}
		})
	}
}

func TestMarkdownKeepsWhatIsWritten(t *testing.T) {
	for _, s := range []string{
		"Nice video @alice@localhost:9011 https://example.com", "a < b && c > d", "> quoted\n\n*and* `code`", "I <3 this",
		"see <https://example.com/?a=1&b=2>", "&lt;script&gt; is a tag", "5 <6", "<b>bold</b> and <br> more", "<", "a<",
		"don't \"quote\" me",
	} {
		if got := Markdown(s); got != s {
			t.Errorf("Markdown(%q) = %q", s, got)
		}
	}
}

func TestMarkdownDrops(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"script", "a<script>alert(1)</script>b", "ab"},
		{"script in other letters", "a<ScRiPt >alert(1)</sCrIpT>b", "ab"},
		{"script left open", "a<script>alert(1)", "a"},
		{"image", "a<img src=x onerror=alert(1)>b", "ab"},
		{"handler", "<b onclick=alert(1)>a</b>", "<b>a</b>"},
		{"link", `<a href="javascript:alert(1)">a</a>`, "a</a>"},
		{"good link", `<a href="https://e.example">a</a>`, `<a href="https://e.example" rel="nofollow noopener ugc" target="_blank">a</a>`},
		{"comment", "a<!-- b -->c", "ac"},
		{"picture left open", "<svg/onload=alert(1)>after", "after"},
		{"script in a picture", "a<svg><script>alert(1)</script></svg>b", "ab"},
		{"halves that would meet", "<<u></u>script>alert(1)<<u></u>/script>", ""},
		{"unknown element", "<marquee>a</marquee>", "a"},
		{"autolink with a quote", `<https://e.example"onmouseover=alert(1)>`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Markdown(c.in); got != c.want {
				t.Errorf("Markdown(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func TestRender(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"Nice *video*\nsecond", "<p>Nice <em>video</em><br/>\nsecond</p>"},
		{"https://example.com", `<p><a href="https://example.com" rel="nofollow noopener ugc" target="_blank">https://example.com</a></p>`},
		{"[x](javascript:alert(1))", "<p>x</p>"},
		{"", ""},
	} {
		if got := Render(c.in); got != c.want {
			t.Errorf("Render(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"<p>a &amp; b</p><p>c<br>d</p>": "a & b\nc\nd", "plain": "plain", "<script>x</script>y": "y",
	} {
		if got := Plain(in); got != want {
			t.Errorf("Plain(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{{"abc", 5, "abc"}, {"abc", 2, "ab"}, {"éèà", 2, "éè"}, {"éèà", 3, "éèà"}} {
		if got := Clip(c.in, c.n); got != c.want {
			t.Errorf("Clip(%q, %d) = %q", c.in, c.n, got)
		}
	}
}

// FuzzMarkdown: whatever goes in, a browser runs nothing of what comes out, and
// cleaning it again changes nothing.
func FuzzMarkdown(f *testing.F) {
	for _, s := range []string{"a<script>b", "<<u></u>script>x", "<a href='javascript:x'>", "<b/onclick=x>", "</p onclick=x>", "<svg><script>", "&lt;b&gt;"} {
		f.Add(s)
	}
	check := bluemonday.UGCPolicy()
	f.Fuzz(func(t *testing.T, s string) {
		for name, out := range map[string]string{"Markdown": Markdown(s), "HTML": HTML(s), "Render": Render(s)} {
			z := nethtml.NewTokenizer(strings.NewReader(out))
			for z.Next() != nethtml.ErrorToken {
				tok := z.Token()
				if tok.Type != nethtml.StartTagToken && tok.Type != nethtml.SelfClosingTagToken || autolink("<"+tok.Data+">") {
					continue
				}
				if check.Sanitize("<"+tok.Data+">x") == "x" && tok.Data != "a" && !strings.HasPrefix(tok.Data, "http") && !strings.HasPrefix(tok.Data, "mailto") {
					t.Errorf("%s(%q) has a tag %q: %q", name, s, tok.Data, out)
				}
				for _, a := range tok.Attr {
					if strings.HasPrefix(strings.ToLower(a.Key), "on") && !strings.HasPrefix(tok.Data, "http") {
						t.Errorf("%s(%q) has %q: %q", name, s, a.Key, out)
					}
				}
			}
		}
		if out := Markdown(s); Markdown(out) != out {
			t.Errorf("Markdown(%q) = %q is not stable", s, out)
		}
	})
}
