package ldsig

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

const plainContext = `"@context":["https://www.w3.org/ns/activitystreams"]`

// TestBounds: documents made to be expensive are refused, and soon; the twin
// within the bound is not.
func TestBounds(t *testing.T) {
	deep := func(n int) string {
		return `{` + plainContext + `,"object":` + strings.Repeat(`{"object":`, n) + `"https://a.example/x"` + strings.Repeat("}", n) + `}`
	}
	list := func(n int, item string) string {
		return `{` + plainContext + `,"id":"https://a.example/1","tag":[` + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + `]}`
	}
	numbered := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"https://a.example/%d",`, i)
		}
		return `{` + plainContext + `,"id":"https://a.example/1","to":[` + strings.TrimSuffix(b.String(), ",") + `]}`
	}
	terms := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"t%d":"as:t%d",`, i, i)
		}
		return `{"@context":["https://www.w3.org/ns/activitystreams",{` + strings.TrimSuffix(b.String(), ",") + `}],"name":"x"}`
	}
	for _, c := range []struct {
		name, good, bad string
	}{
		{"depth", deep(maxDepth - 3), deep(maxDepth)},
		{"nodes", list(400, `{"name":"x"}`), list(maxNodes+1, `{"name":"x"}`)},
		{"statements", numbered(maxQuads / 4), numbered(maxQuads + 1)},
		{"contexts", list(maxContexts/2, `{"@context":{"x":"as:name"},"x":"y"}`), list(maxContexts+1, `{"@context":{"x":"as:name"},"x":"y"}`)},
		{"terms", terms(maxTerms / 2), terms(maxTerms + 1)},
		{
			"context in a term", `{"@context":{"x":{"@id":"as:name"},"as":"https://www.w3.org/ns/activitystreams#"},"x":"y"}`,
			`{"@context":{"x":{"@id":"as:name","@context":{}},"as":"https://www.w3.org/ns/activitystreams#"},"x":"y"}`,
		},
		{"import", `{` + plainContext + `,"name":"x"}`, `{"@context":{"@version":1.1,"@import":"https://www.w3.org/ns/activitystreams"},"name":"x"}`},
		{"bytes", `{` + plainContext + `,"name":"x"}`, `{` + plainContext + `,"name":"` + strings.Repeat("x", maxBytes) + `"}`},
		{"alike nodes", clique(5), clique(14)},
		{"alike nodes in a ring", ring(6), ring(60)},
	} {
		t.Run(c.name, func(t *testing.T) {
			key := testKey(t)
			if _, err := Sign([]byte(c.good), alice, key, time.Now()); err != nil {
				t.Errorf("within the bound: %v", err)
			}
			start := time.Now()
			if _, err := Sign([]byte(c.bad), alice, key, time.Now()); !errors.Is(err, ErrInvalid) {
				t.Errorf("past the bound: %v", err)
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("refused after %v", took)
			}
		})
	}
}

// clique is a document of n blank nodes that all refer to each other, so that
// nothing tells them apart: the classic poison of URDNA2015.
func clique(n int) string {
	return linked(n, func(i int) (to []int) {
		for j := range n {
			if i != j {
				to = append(to, j)
			}
		}
		return to
	})
}

func ring(n int) string { return linked(n, func(i int) []int { return []int{(i + 1) % n} }) }

func linked(n int, next func(int) []int) string {
	items := make([]string, n)
	for i := range n {
		var refs []string
		for _, j := range next(i) {
			refs = append(refs, fmt.Sprintf(`"_:n%d"`, j))
		}
		items[i] = fmt.Sprintf(`{"id":"_:n%d","url":[%s]}`, i, strings.Join(refs, ","))
	}
	return `{` + plainContext + `,"id":"https://a.example/1","tag":[` + strings.Join(items, ",") + `]}`
}

// TestOrderDoesNotMatter: blank nodes, and nodes that look alike at first, get
// the same names whatever their order in the document.
func TestOrderDoesNotMatter(t *testing.T) {
	// Two rings of 3, of which one node has a name two steps away.
	nodes := []string{
		`{"id":"_:a","url":["_:b"]}`, `{"id":"_:b","url":["_:c"]}`, `{"id":"_:c","url":["_:a"]}`,
		`{"id":"_:d","url":["_:e"]}`, `{"id":"_:e","url":["_:f"]}`, `{"id":"_:f","url":["_:d"],"icon":{"url":["_:g"]}}`,
		`{"id":"_:g","name":"x"}`, `{"name":"same"}`, `{"name":"same"}`, `{"icon":{"name":"deep"}}`, `{"icon":{"name":"deep"}}`,
	}
	want := ""
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		r.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
		doc := `{` + plainContext + `,"id":"https://a.example/1","tag":[` + strings.Join(nodes, ",") + `]}`
		for from, to := range map[string]string{"_:a": "_:z", "_:d": "_:a", "_:z": "_:d"} { // other names, too
			if r.IntN(2) == 0 {
				doc = strings.ReplaceAll(strings.ReplaceAll(doc, from+`"`, from+"q\""), to+`"`, to+`"`)
			}
		}
		got := hashOf(t, doc)
		if want == "" {
			want = got
		}
		if got != want {
			t.Fatalf("another hash of %s", doc)
		}
	}
	other := strings.Replace(`{`+plainContext+`,"id":"https://a.example/1","tag":[`+strings.Join(nodes, ",")+`]}`, `"_:g","name"`, `"_:h","name"`, 1)
	if hashOf(t, other) == want {
		t.Error("the same hash of another graph")
	}
}

func hashOf(t testing.TB, doc string) string {
	t.Helper()
	d, err := read([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	node, err := shared().expand(d)
	if err != nil {
		t.Fatal(err)
	}
	h, err := hashNode(node, escapeAll)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestLiterals: numbers, booleans and lists in the forms that other libraries
// give them.
func TestLiterals(t *testing.T) {
	doc := `{"@context":{"@vocab":"https://v.example/","d":{"@type":"http://www.w3.org/2001/XMLSchema#double"},"n":{"@type":"https://v.example/N"},` +
		`"l":{"@container":"@list"},"m":{"@container":"@language"},"i":{"@type":"@id"}},"@id":"https://a.example/s",` +
		`"a":1,"b":1.5,"c":true,"d":10,"n":7,"e":1e21,"f":-0.001,"g":"q\"\\\n\r\t","l":["x",2],"m":{"DE":"ja"},"i":"https://a.example/o","z":[],"y":{"@list":[]},"big":123456789012}`
	d, err := read([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	node, err := shared().expand(d)
	if err != nil {
		t.Fatal(err)
	}
	g, err := toRDF(node)
	if err != nil {
		t.Fatal(err)
	}
	text, err := nquads(g, escapeAll)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(string(text)), "\n")
	const s, x = "<https://a.example/s> <https://v.example/", "^^<http://www.w3.org/2001/XMLSchema#"
	for _, want := range []string{
		s + `a> "1"` + x + "integer> .",
		s + `b> "1.5E0"` + x + "double> .",
		s + `c> "true"` + x + "boolean> .",
		s + `d> "1.0E1"` + x + "double> .",
		s + `n> "7"^^<https://v.example/N> .`,
		s + `e> "1.0E21"` + x + "double> .",
		s + `f> "-1.0E-3"` + x + "double> .",
		s + `g> "q\"\\\n\r\t" .`,
		s + `m> "ja"@de .`,
		s + `i> <https://a.example/o> .`,
		s + `y> <http://www.w3.org/1999/02/22-rdf-syntax-ns#nil> .`,
		s + `big> "123456789012"` + x + "integer> .",
		`_:c14n1 <http://www.w3.org/1999/02/22-rdf-syntax-ns#first> "2"` + x + "integer> .",
		`_:c14n0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#first> "x" .`,
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if len(got) != 17 {
		t.Errorf("%d statements:\n%s", len(got), text)
	}
	few, err := nquads(g, escapeFew)
	if err != nil || !strings.Contains(string(few), `"q\"\\\n\r`+"\t"+`" .`) {
		t.Errorf("older escapes: %s %v", few, err)
	}
}

// TestBothEscapes: signatures made with the older way of writing tabs verify.
func TestBothEscapes(t *testing.T) {
	key := testKey(t)
	raw, err := signWith([]byte(like), alice, key, time.Now(), escapeFew)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Verify(&key.PublicKey); err != nil {
		t.Error(err)
	}
}

// TestContextFiles: all files can be read and used, and nothing else is.
func TestContextFiles(t *testing.T) {
	p := shared()
	for address := range builtIn {
		quoted, _ := json.Marshal(address)
		if _, err := p.active(quoted); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for address, ok := range map[string]bool{
		"https://pleroma.example/schemas/litepub-0.1.jsonld": true,
		"https://pleroma.example/schemas/litepub-0.2.jsonld": false,
		"https://evil.example/ns/activitystreams":            false,
		"https://www.w3.org/ns/activitystreams?x":            false,
		"activitystreams":    false,
		"own":                false,
		"":                   false,
		"file:///etc/passwd": false,
	} {
		quoted, _ := json.Marshal(address)
		if _, err := p.active(quoted); (err == nil) != ok {
			t.Errorf("%q: %v, want ok %v", address, err, ok)
		}
	}
	files, err := contextFiles.ReadDir("contexts")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".json")
		used := name == "own" || name == "litepub"
		for _, n := range builtIn {
			used = used || n == name
		}
		if !used {
			t.Errorf("nobody uses %s", f.Name())
		}
	}
}

// TestCacheIsBounded: contexts of strangers do not fill the memory.
func TestCacheIsBounded(t *testing.T) {
	p := newProcessor()
	for i := range 3 * maxPrepared {
		if _, err := p.active(json.RawMessage(fmt.Sprintf(`{"t%d":"https://v.example/t"}`, i))); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(p.prepared); n > maxPrepared {
		t.Errorf("%d contexts kept", n)
	}
	before := len(p.prepared)
	if _, err := p.active(json.RawMessage(`{"t":"https://v.example/t"` + strings.Repeat(" ", maxContextText) + `}`)); err != nil || len(p.prepared) != before {
		t.Errorf("a large context is kept: %v", err)
	}
}

func TestUndefined(t *testing.T) {
	for _, c := range []struct {
		doc  string
		want []string
	}{
		{like, nil},
		{`{` + plainContext + `,"type":"Note","nope":1}`, []string{"nope"}},
		{`{` + plainContext + `,"type":"Nope","name":"x"}`, []string{"Nope"}},
		{`{` + plainContext + `,"tag":[{"name":"x","href":"relative"}]}`, []string{"relative"}},
	} {
		got, err := Undefined([]byte(c.doc))
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v", c.doc, got, err)
		}
	}
}

// FuzzLDSig: no panic and no endless work, whatever comes; and what was signed
// here verifies, unless compaction has another bound than signing.
func FuzzLDSig(f *testing.F) {
	for _, body := range recorded(f) {
		f.Add(body)
	}
	f.Add([]byte(like))
	f.Add([]byte(clique(6)))
	f.Add([]byte(ring(8)))
	key := testKey(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		start := time.Now()
		if s, err := Parse(raw); err == nil {
			_, _ = s.Verify(&key.PublicKey)
		}
		if compacted, err := Compact(raw); err == nil {
			if !json.Valid(compacted) {
				t.Fatalf("%s", compacted)
			}
		}
		if signed, err := Sign(raw, alice, key, time.Now()); err == nil {
			if _, err := Parse(signed); err != nil {
				t.Fatalf("%s: %v", signed, err)
			}
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Fatalf("%v", took)
		}
	})
}
