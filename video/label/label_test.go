package label

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		Category(15): "Science & Technology", Category(0): Unknown, Licence(9): "All Rights Reserved", Licence(-1): Unknown,
		Language("fr"): "French", Language("pt-PT"): "Portuguese (Portugal)", Language("??"): Unknown,
		Resolution(0): "Audio only", Resolution(720): "720p",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for in, want := range map[string]int{"2": 2, "CC-BY-NC-4.0": 4, "CC0-1.0": 7, "77": 0, "GPL": 0, "": 0} {
		if got := LicenceByName(in); got != want {
			t.Errorf("LicenceByName(%q) = %d, want %d", in, got, want)
		}
	}
}

func TestJSON(t *testing.T) {
	for name, c := range map[string]struct {
		raw   json.RawMessage
		count int
		key   string
		value string
		first string
	}{
		"categories": {Categories(), 18, "11", "News & Politics", `{"1":"Music"`},
		"licences":   {Licences(), 9, "7", "Public Domain Dedication", `{"1":"Attribution"`},
		"languages":  {Languages(), 207, "nb", "Norwegian Bokmål", `{"aa":"Afar"`},
	} {
		var m map[string]string
		if err := json.Unmarshal(c.raw, &m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(m) != c.count || m[c.key] != c.value {
			t.Errorf("%s: %d entries, %s is %q", name, len(m), c.key, m[c.key])
		}
		if !strings.HasPrefix(string(c.raw), c.first) {
			t.Errorf("%s begins with %.30s", name, c.raw)
		}
	}
	if i, j := strings.Index(string(Categories()), `"9"`), strings.Index(string(Categories()), `"10"`); i > j {
		t.Error("categories are sorted as text")
	}
}
