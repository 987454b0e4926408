package web_test

import (
	"testing"

	"github.com/kinemesh/kinemesh/config"
)

// TestAboutPage: the server tells what its administrators wrote, and nothing that
// runs, and what can be counted.
func TestAboutPage(t *testing.T) {
	x := newTube(t, func(c *config.Config) {
		n := &c.Instance
		n.Name, n.ShortDescription = `Tide & "pool"`, "Films <b>of</b> the sea"
		n.Description, n.Terms, n.CodeOfConduct = "All about **it** <script>alert(1)</script>", "1. Be brief\n2. [More](https://tide.example/terms)", "[x](javascript:alert(1)) Be kind"
		n.Languages, n.Categories, n.ServerCountry = []string{"en", "fr"}, []int{15}, "Utopia"
		n.Social.ExternalLink, n.Social.XLink = "https://tide.example", "javascript:alert(1)"
		c.SMTP.Hostname, c.SMTP.FromAddress, c.Admin.Email = "mail.example", "tube@tide.example", "boss@tide.example"
	})
	const page = "/about/instance"
	w := x.get(page, "")
	wants(
		t, w, 200, "<title>About · Tide &amp; &#34;pool&#34;</title>", `<link rel="canonical" href="`+origin+page+`">`,
		`<meta property="og:title" content="About Tide &amp; &#34;pool&#34;">`, `<meta name="description" content="Films &lt;b&gt;of&lt;/b&gt; the sea">`,
		"<strong>it</strong>", "<li>Be brief</li>", `<a href="https://tide.example/terms"`, ">Code of conduct</h2>", ">Terms</h2>",
		"<dd>English, French</dd>", "<dd>Science &amp; Technology</dd>", "<dd>Utopia</dd>", "<dd>12</dd>", "<dd>345</dd>", "<dd>67.8K</dd>",
		`<a class="link" href="https://tide.example" rel="nofollow noopener">tide.example</a>`,
		`<a class="link" href="mailto:boss@tide.example" rel="nofollow noopener">boss@tide.example</a>`, "Kinemesh 1.2.3", `<a href="`+page+`" aria-current="page">`,
	)
	lacks(t, w, "alert(1)", "javascript:", "<dt>X</dt>", "Why it was made")
	for path, to := range map[string]string{"/about": page, "/about/peertube": page, "/about/contact": page + "#facts"} {
		if w := x.get(path, ""); w.Code != 301 || w.Header().Get("Location") != to {
			t.Errorf("%s: %d %q", path, w.Code, w.Header().Get("Location"))
		}
	}
	for _, path := range []string{"/", "/w/" + x.video("Low tide").ShortUUID(), "/login"} {
		wants(t, x.get(path, x.signIn("mara")), map[bool]int{false: 200, true: 303}[path == "/login"])
		wants(t, x.get(path, ""), 200, `href="/about/instance"`)
	}

	// Nobody is told an address when the contact form is off, or no mail leaves.
	for name, change := range map[string]func(*config.Config){
		"off": func(c *config.Config) {
			c.SMTP.Hostname, c.SMTP.FromAddress, c.ContactForm.Enabled = "mail.example", "a@tide.example", false
		},
		"no mail": func(c *config.Config) { c.Instance.Description = "" },
	} {
		quiet := newTube(t, change, func(c *config.Config) { c.Admin.Email = "boss@tide.example" })
		w := quiet.get(page, "")
		wants(t, w, 200)
		if lacks(t, w, "boss@tide.example"); t.Failed() {
			t.Log(name)
		}
	}
	wants(t, newTube(t, func(c *config.Config) { c.Instance.Description, c.Instance.Terms = "", "" }).get(page, ""), 200, "have not written about it yet")
}
