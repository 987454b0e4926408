package webfinger

import (
	"strings"
	"testing"
)

// TestHomographs: names that look alike are different handles, and what is shown
// is the form that gives it away (SEC-20).
func TestHomographs(t *testing.T) {
	for _, c := range []struct{ a, b, shown string }{
		{"alice@paypal.example", "alice@pаypal.example", "alice@xn--pypal-4ve.example"},        // Cyrillic а
		{"alice@apple.example", "alice@аррӏе.example", "alice@xn--80ak6aa92e.example"},         // all Cyrillic
		{"alice@google.example", "alice@gοοgle.example", "alice@xn--ggle-0nda.example"},        // Greek ο
		{"alice@bucher.example", "alice@bücher.example", "alice@xn--bcher-kva.example"},        // one script, still shown so
		{"alice@a.example", "alice@ａ.example", "alice@a.example"},                              // full width is the same letter
		{"alice@straße.example", "alice@strasse.example", "alice@strasse.example"},             // another name under IDNA 2008
		{"alice@a.example", "alice@a\u3002example", "alice@a.example"},                         // ideographic full stop
		{"alice@xn--bcher-kva.example", "alice@BÜCHER.example", "alice@xn--bcher-kva.example"}, // the same in both spellings
	} {
		a, errA := ParseHandle("https", c.a)
		b, errB := ParseHandle("https", c.b)
		if errB != nil { // refused is as good as told apart
			if c.a != c.shown && errA != nil {
				t.Errorf("%s: %v", c.a, errA)
			}
			continue
		}
		if b.String() != c.shown {
			t.Errorf("%s is shown as %s, want %s", c.b, b, c.shown)
		}
		if same := a.Host == c.shown[len("alice@"):]; a.Equal(b) != same {
			t.Errorf("%s and %s: equal is %v", c.a, c.b, a.Equal(b))
		}
		if strings.ContainsFunc(b.String(), func(r rune) bool { return r > 127 }) {
			t.Errorf("%s is shown as %s", c.b, b)
		}
	}
	for _, bad := range []string{
		"аlice@a.example", "alice@a.example\u202e", "ali\u200bce@a.example", "alice@a\u200b.example/x", "alice@[::1]x", "alice@a.example:port",
		"alice@a.example:0", "alice@a.example:99999", "alice@xn--a.example", "alice@xn--.example", "alice@-a.example", "@@alice@a.example",
	} {
		if h, err := ParseHandle("https", bad); err == nil {
			t.Errorf("%q reads as %s", bad, h)
		}
	}
}

// TestAnswersThatLie: what a host says about a handle is a claim; the parts that
// cannot be claims are refused.
func TestAnswersThatLie(t *testing.T) {
	const path = "https://a.example/.well-known/webfinger?resource=acct%3Aalice%40a.example"
	for name, answer := range map[string]string{
		"subject is no handle":     `{"subject":"https://a.example/alice","links":[{"rel":"self","type":"application/activity+json","href":"https://a.example/u"}]}`,
		"subject with two hosts":   `{"subject":"acct:alice@a.example@b.example","links":[{"rel":"self","type":"application/activity+json","href":"https://a.example/u"}]}`,
		"subject of 5,000 letters": `{"subject":"acct:` + strings.Repeat("a", 5000) + `@a.example","links":[{"rel":"self","type":"application/activity+json","href":"https://a.example/u"}]}`,
		"self with userinfo":       `{"subject":"acct:alice@a.example","links":[{"rel":"self","type":"application/activity+json","href":"https://a.example@evil.example/u"}]}`,
		"self is a file":           `{"subject":"acct:alice@a.example","links":[{"rel":"self","type":"application/activity+json","href":"file:///etc/passwd"}]}`,
		"self is an object":        `{"subject":"acct:alice@a.example","links":[{"rel":"self","type":"application/activity+json","href":{"x":1}}]}`,
		"another relation":         `{"subject":"acct:alice@a.example","links":[{"rel":"me","type":"application/activity+json","href":"https://a.example/u"}]}`,
	} {
		c := Client{Fetch: web{path: answer}, Scheme: "https"}
		if r, err := c.Lookup(t.Context(), Handle{"alice", "a.example"}); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
	c := Client{Fetch: web{path: `{"subject":"acct:carol@b.example","links":[{"rel":"self","type":"application/activity+json","href":"https://b.example/u"}]}`}, Scheme: "https"}
	if r, err := c.Lookup(t.Context(), Handle{"alice", "a.example"}); err != nil || r.Subject.String() != "carol@b.example" {
		t.Errorf("a host may point elsewhere, where it is asked again: %+v, %v", r, err)
	}
}
