package iri

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	long := "https://a.example/" + strings.Repeat("x", MaxLength)
	for _, c := range []struct{ in, host string }{
		{"https://a.example/users/x", "a.example"},
		{"https://A.Example./users/x", "a.example"},
		{"https://a.example:443/", "a.example"},
		{"https://a.example:0443/", "a.example"},
		{"http://a.example:80/", "a.example"},
		{"http://a.example:443/", "a.example:443"},
		{"https://a.example:8443/", "a.example:8443"},
		{"http://localhost:9011/accounts/alice", "localhost:9011"},
		{"http://127.0.0.1:9000/", "127.0.0.1:9000"},
		{"http://[::1]:9000/", "[::1]:9000"},
		{"https://[2001:DB8::1]/", "[2001:db8::1]"},
		{"https://bücher.example/", "xn--bcher-kva.example"},
		{"https://xn--bcher-kva.example/", "xn--bcher-kva.example"},
		{"https://a.example/x#main-key", "a.example"},
		{long[:MaxLength], "a.example"},
		// refused
		{long, ""},
		{"", ""},
		{"a.example/x", ""},
		{"//a.example/x", ""},
		{"https:///x", ""},
		{"https:a.example", ""},
		{"ftp://a.example/", ""},
		{"file:///etc/passwd", ""},
		{"javascript:alert(1)", ""},
		{"acct:x@a.example", ""},
		{"https://victim.example@evil.example/", ""},
		{"https://user:pw@evil.example/", ""},
		{"https://a.example\n.evil.example/", ""},
		{"https://a.example\\@evil.example/", ""},
		{"https://a.example/ x", ""},
		{"https://a.example/<x>", ""},
		{"https://a..example/", ""},
		{"https://-a.example/", ""},
		{"https://a.example:0/", ""},
		{"https://a.example:00/", ""},
		{"https://a.example:65536/", ""},
		{"https://a.example:x/", ""},
		{"http://2130706433/", ""},
		{"http://0x7f.1/", ""},
		{"http://0x7f000001/", ""},
		{"http://0177.0.0.1/", ""},
		{"http://127.1/", ""},
		{"http://[fe80::1%25eth0]/", ""},
		{"http://[::1/", ""},
		{"https://a.example/\xff", ""},
	} {
		if got := Host(c.in); got != c.host {
			t.Errorf("Host(%q) = %q, want %q", c.in, got, c.host)
		}
		if Valid(c.in) != (c.host != "") {
			t.Errorf("Valid(%q) = %v", c.in, Valid(c.in))
		}
	}
}

func TestEqualAndSameHost(t *testing.T) {
	for _, c := range []struct {
		a, b        string
		equal, host bool
	}{
		{"https://a.example/x", "https://A.EXAMPLE:443/x", true, true},
		{"https://a.example/x", "https://a.example/X", false, true},
		{"https://a.example/x", "https://a.example/x#k", false, true},
		{"https://a.example/x", "https://a.example/x?y", false, true},
		{"https://a.example/%41", "https://a.example/A", false, true},
		{"https://a.example/x", "https://b.example/x", false, false},
		{"https://a.example/x", "https://a.example.evil.example/x", false, false},
		{"nonsense", "nonsense", false, false},
	} {
		if got := Equal(c.a, c.b); got != c.equal {
			t.Errorf("Equal(%q, %q) = %v", c.a, c.b, got)
		}
		if got := SameHost(c.a, c.b); got != c.host {
			t.Errorf("SameHost(%q, %q) = %v", c.a, c.b, got)
		}
	}
	if got := WithoutFragment("https://a.example/x#main-key"); got != "https://a.example/x" {
		t.Errorf("WithoutFragment = %q", got)
	}
}

// FuzzParse: what parses prints, parses again, and keeps its host.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"https://a.example/x", "http://[::1]:80/", "https://bücher.example/ü?q#f", "https://a.example:0443/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := Parse(s)
		if err != nil {
			return
		}
		if u.Host == "" || u.User != nil {
			t.Fatalf("Parse(%q) = %v", s, u)
		}
		again := u.String()
		if len(again) > MaxLength {
			return // percent-encoding made it longer
		}
		v, err := Parse(again)
		if err != nil || v.Host != u.Host {
			t.Fatalf("Parse(%q) again = %v, %v; first %v", again, v, err, u)
		}
	})
}
