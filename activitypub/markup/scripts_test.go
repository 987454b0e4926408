package markup

import (
	_ "embed"
	"net/url"
	"slices"
	"strings"
	"testing"

	nethtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// scripts has a trick a line: each calls alert in some browser or sanitiser.
//
//go:embed testdata/scripts.txt
var scripts string

// TestSEC37: of the tricks nothing is left but elements and attributes of the
// list, in HTML as in Markdown, and what is clean stays as it is.
func TestSEC37(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(scripts), "\n")
	if len(lines) < 200 {
		t.Fatalf("only %d tricks", len(lines))
	}
	lines = append(lines, strings.Join(lines, "\n"), strings.Join(lines, ""))
	for _, line := range lines {
		for name, clean := range map[string]string{"HTML": HTML(line), "Render": Render(line), "Render of Markdown": Render(Markdown(line))} {
			for _, bad := range outside(t, clean) {
				t.Errorf("%s(%.200q) keeps %s: %.300q", name, line, bad, clean)
			}
			if again := HTML(clean); again != clean {
				t.Errorf("%s(%.200q): cleaned again %.300q becomes %.300q", name, line, clean, again)
			}
		}
		if plain := Plain(line); strings.Contains(HTML(plain), "<script") {
			t.Errorf("Plain(%.200q) = %.300q", line, plain)
		}
	}
}

// outside lists what a browser would find that is not of the list.
func outside(t *testing.T, clean string) (bad []string) {
	t.Helper()
	nodes, err := nethtml.ParseFragment(strings.NewReader(clean), &nethtml.Node{Type: nethtml.ElementNode, Data: "div", DataAtom: atom.Div})
	if err != nil {
		t.Fatal(err)
	}
	elements := strings.Fields("a p br strong b em i del ul ol li code pre blockquote")
	for len(nodes) > 0 {
		n := nodes[0]
		nodes = nodes[1:]
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			nodes = append(nodes, c)
		}
		if n.Type == nethtml.TextNode {
			continue
		}
		if n.Type != nethtml.ElementNode || !slices.Contains(elements, n.Data) {
			bad = append(bad, n.Data)
			continue
		}
		for _, a := range n.Attr {
			u, err := url.Parse(a.Val)
			switch {
			case n.Data == "a" && a.Key == "href" && err == nil && slices.Contains([]string{"http", "https", "mailto"}, u.Scheme):
			case n.Data == "a" && (a.Key == "rel" || a.Key == "target"):
			default:
				bad = append(bad, n.Data+" "+a.Key+"="+a.Val)
			}
		}
	}
	return bad
}
