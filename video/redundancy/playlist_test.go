package redundancy

import (
	"slices"
	"testing"
)

func TestNames(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", nil},
		{"tags alone", "#EXTM3U\n#EXT-X-ENDLIST\n", nil},
		{"a line", "#EXTM3U\na.m3u8\n", []string{"a.m3u8"}},
		{"without an end", "#EXTM3U\na.m3u8", []string{"a.m3u8"}},
		{"other line ends", "#EXTM3U\r\na.m3u8\r\n\r\nb.m3u8\r\n", []string{"a.m3u8", "b.m3u8"}},
		{"an attribute", "#EXT-X-MAP:URI=\"i.mp4\",BYTERANGE=\"7@0\"\n", []string{"i.mp4"}},
		{"a key too", "#EXT-X-KEY:METHOD=AES-128,URI=\"https://a.example/key\"\n", []string{"https://a.example/key"}},
		{"each once", "#EXT-X-MAP:URI=\"a.mp4\"\na.mp4\na.mp4\n", []string{"a.mp4"}},
		{"a way out", "../a.mp4\n/etc/passwd\n", []string{"../a.mp4", "/etc/passwd"}},
	} {
		if got := names(c.text); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestPlain: which names of files are copied under their own name (SEC-56).
func TestPlain(t *testing.T) {
	for name, want := range map[string]bool{
		"a.mp4": true, "0c4e-720-fragmented.mp4": true, "A_b.m3u8": true, "": false, ".": false, "..": false, ".htaccess": false,
		"../a": false, "a/b": false, "a b": false, "a%2fb": false, "a?b": false, "http:": false, "ä.mp4": false, "a\x00b": false, "-rf": false,
	} {
		if got := plain.MatchString(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

func TestBase(t *testing.T) {
	for address, want := range map[string]string{
		"https://a.example/x/y/v.mp4": "v.mp4", "https://a.example/v.mp4?token=1": "v.mp4", "https://a.example/x/": "x",
		"https://a.example/": "/", "https://a.example/x/..": "..", "://": "",
	} {
		if got := base(address); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}
