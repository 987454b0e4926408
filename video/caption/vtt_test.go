package caption_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kinemesh/kinemesh/video/caption"
)

func TestClean(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"WebVTT", "WEBVTT\n\n00:00.000 --> 00:02.500\nHello <i>you</i>\n", "WEBVTT\n\n00:00:00.000 --> 00:00:02.500\nHello <i>you</i>\n"},
		{"header text, name, settings", "WEBVTT - by me\n\nname\n00:01:00.000 --> 100:00:00.000 align:start position:10%\nHi\nthere", "WEBVTT\n\n00:01:00.000 --> 100:00:00.000 align:start position:10%\nHi\nthere\n"},
		{"unknown setting", "WEBVTT\n\n00:00.000 --> 00:01.000 onclick:x(1) line:2\nHi", "WEBVTT\n\n00:00:00.000 --> 00:00:01.000 line:2\nHi\n"},
		{"styles, regions and notes", "WEBVTT\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:a\n\nNOTE hidden\n\n00:00.000 --> 00:01.000\nHi", "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nHi\n"},
		{"SubRip", "1\r\n00:00:01,5 --> 00:00:02,000\r\n{\\an8}<font color=\"red\">Hallo</font>\r\nWelt\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\nx", "WEBVTT\n\n00:00:01.500 --> 00:00:02.000\nHallo\nWelt\n\n00:00:03.000 --> 00:00:04.000\nx\n"},
		{"SubRip of an old machine", "1\n00:00:01,000 --> 00:00:02,000\nGr\xfc\xdfe", "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nGrüße\n"},
		{"byte order mark", "\xef\xbb\xbfWEBVTT\n\n00:00.000 --> 00:01.000\nHi", "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nHi\n"},
		{"an arrow in the text", "WEBVTT\n\n00:00.000 --> 00:01.000\na\nb --> c", "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\na\nb → c\n"},
		{"backwards and empty ones", "WEBVTT\n\n00:02.000 --> 00:01.000\nno\n\n00:01.000 --> 00:02.000\n\n00:03.000 --> 00:04.000\nyes", "WEBVTT\n\n00:00:03.000 --> 00:00:04.000\nyes\n"},
		{"many empty lines", "WEBVTT\n\n\n\n\n00:00.000 --> 00:01.000\nHi\n\n\n", "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nHi\n"},
		{"direction marks", "WEBVTT\n\n00:00.000 --> 00:01.000\na\u202eb", "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nab\n"},
	} {
		got, err := caption.Clean([]byte(c.in))
		if err != nil || string(got) != c.want {
			t.Errorf("%s:\n%q, %v, want\n%q", c.name, got, err, c.want)
		}
	}
}

func TestCleanRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"nothing": "", "a page": "<!doctype html><p>Hi", "no cue": "WEBVTT\n\nNOTE x", "binary": "WEBVTT\n\n00:00.000 --> 00:01.000\na\x00b",
		"WebVTT in another code": "WEBVTT\n\n00:00.000 --> 00:01.000\n\xfc", "a playlist": "#EXTM3U\nhttp://x", "too large": "WEBVTT\n\n00:00.000 --> 00:01.000\n" + strings.Repeat("x", caption.MaxBytes),
		"too many cues": "WEBVTT" + strings.Repeat("\n\n00:00.000 --> 00:01.000\nx", 200_001),
	} {
		if got, err := caption.Clean([]byte(in)); !errors.Is(err, caption.ErrFormat) {
			t.Errorf("%s: %.50q, %v", name, got, err)
		}
	}
}

// FuzzClean: what comes out is WebVTT in UTF-8, and comes out again as it is.
func FuzzClean(f *testing.F) {
	for _, s := range []string{
		"WEBVTT\n\n00:00.000 --> 00:02.500 line:1\nHello <i>you</i>\n", "1\r\n00:00:01,5 --> 00:00:02,000\r\n{\\an8}a\r\n\r\n", "\xfc --> 1:00", "WEBVTT\n\nx\n1:00:00.000 --> 1:00:00.001\n-->\n--->",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		once, err := caption.Clean(in)
		if err != nil {
			return
		}
		if !utf8.Valid(once) || !strings.HasPrefix(string(once), "WEBVTT\n\n") {
			t.Fatalf("%q", once)
		}
		for l := range strings.SplitSeq(string(once), "\n") {
			if strings.Contains(l, "-->") && (len(l) < 29 || l[2] != ':' && l[3] != ':' && l[4] != ':') {
				t.Fatalf("a line of text is a time: %q", l)
			}
		}
		twice, err := caption.Clean(once)
		if err != nil || string(twice) != string(once) {
			t.Fatalf("again: %v\n%q\n%q", err, once, twice)
		}
	})
}
