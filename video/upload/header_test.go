package upload

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

func TestParseContentRange(t *testing.T) {
	for in, want := range map[string]byteRange{
		"bytes 0-99/500":    {first: 0, last: 99, total: 500},
		"bytes 499-499/500": {first: 499, last: 499, total: 500},
		"bytes 0-0/1":       {first: 0, last: 0, total: 1},
		"bytes */500":       {total: 500, ask: true},
	} {
		if got, ok := parseContentRange(in); !ok || got != want {
			t.Errorf("parseContentRange(%q) = %+v, %v, want %+v", in, got, ok, want)
		}
	}
	for _, in := range []string{
		"", "bytes", "bytes=0-99/500", "0-99/500", "bytes 0-99", "bytes 0-99/*", "bytes 99-0/500", "bytes 0-500/500",
		"bytes -1-99/500", "bytes 0-/500", "bytes -99/500", "bytes 0-99/0", "bytes */0", "bytes */*", "bytes 0x0-0x9/500",
		"bytes 0-99/999999999999999999999", "bytes 0 - 99/500", "bytes +0-99/500", "bytes 0-1,5-9/500", "items 0-9/10",
	} {
		if got, ok := parseContentRange(in); ok {
			t.Errorf("parseContentRange(%q) = %+v, want a refusal", in, got)
		}
	}
}

func FuzzParseContentRange(f *testing.F) {
	f.Add("bytes 0-99/500")
	f.Add("bytes */500")
	f.Fuzz(func(t *testing.T, s string) {
		r, ok := parseContentRange(s)
		if ok && (r.total <= 0 || r.first < 0 || r.last < r.first || r.last >= r.total) {
			t.Errorf("parseContentRange(%q) = %+v", s, r)
		}
	})
}

func TestParseChecksum(t *testing.T) {
	data := []byte("chunk")
	m, s := md5.Sum(data), sha1.Sum(data)
	b64 := base64.StdEncoding.EncodeToString
	for _, c := range []struct {
		header, value string
		bad           bool
	}{
		{"Content-MD5", b64(m[:]), false},
		{"Digest", "md5=" + b64(m[:]), false},
		{"Digest", "sha=" + b64(s[:]), false},
		{"Digest", "SHA-1=" + b64(s[:]), false},
		{"Digest", "crc32=AAAA", true},
		{"Digest", "sha=" + b64(m[:]), true}, // the wrong length
		{"Digest", "sha", true},
		{"Content-MD5", "not base64!", true},
	} {
		sum, err := parseChecksum(http.Header{http.CanonicalHeaderKey(c.header): {c.value}})
		if c.bad {
			if err == nil {
				t.Errorf("%s: %s was accepted", c.header, c.value)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %s: %v", c.header, c.value, err)
			continue
		}
		_, _ = sum.Write(data)
		if !sum.ok() {
			t.Errorf("%s: %s does not match its chunk", c.header, c.value)
		}
		_, _ = sum.Write([]byte("x"))
		if sum.ok() {
			t.Errorf("%s: %s matches another chunk", c.header, c.value)
		}
	}
	if sum, err := parseChecksum(http.Header{}); sum != nil || err != nil {
		t.Errorf("without a header: %v, %v", sum, err)
	}
}

func TestMediaType(t *testing.T) {
	for in, want := range map[string]bool{
		"video/mp4": true, "video/webm; codecs=vp9": true, "audio/flac": true, "application/octet-stream": true,
		"application/mxf": true, "text/html": false, "image/png": false, "application/json": false, "": false, "video": false,
	} {
		if got := mediaType(in); got != want {
			t.Errorf("mediaType(%q) = %v", in, got)
		}
	}
}

func TestCleanFilename(t *testing.T) {
	for in, want := range map[string]string{
		"my film.mp4": "my film.mp4", "../../etc/passwd": "passwd", `C:\videos\a.mkv`: "a.mkv", "a\x00b\u202egpm.mp4": "abgpm.mp4",
		strings.Repeat("x", 300) + ".mp4": strings.Repeat("x", 251) + ".mp4", "": "",
	} {
		if got := cleanFilename(in); got != want {
			t.Errorf("cleanFilename(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestIDs(t *testing.T) {
	a, b := newID(), newID()
	if !validID(a) || len(a) != 32 || a == b {
		t.Errorf("newID() = %q, %q", a, b)
	}
	for _, bad := range []string{"", "..", a[:31], strings.ToUpper(a) + "x", "../" + a[3:], a + linkSuffix, strings.Repeat("A", 32)} {
		if validID(bad) {
			t.Errorf("validID(%q)", bad)
		}
	}
}

func TestSameFingerprint(t *testing.T) {
	base := func() (string, error) {
		return fingerprint(1, 10, "a.mp4", map[string][]string{"name": {"x"}, "tags": {"a", "b"}}, map[string][]byte{"thumbnailfile": []byte("p")})
	}
	want, err := base()
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := base(); again != want {
		t.Error("the same upload has two fingerprints")
	}
	for name, f := range map[string]func() (string, error){
		"user": func() (string, error) {
			return fingerprint(2, 10, "a.mp4", map[string][]string{"name": {"x"}, "tags": {"a", "b"}}, map[string][]byte{"thumbnailfile": []byte("p")})
		},
		"size": func() (string, error) {
			return fingerprint(1, 11, "a.mp4", map[string][]string{"name": {"x"}, "tags": {"a", "b"}}, map[string][]byte{"thumbnailfile": []byte("p")})
		},
		"metadata": func() (string, error) {
			return fingerprint(1, 10, "a.mp4", map[string][]string{"name": {"y"}, "tags": {"a", "b"}}, map[string][]byte{"thumbnailfile": []byte("p")})
		},
		"picture": func() (string, error) {
			return fingerprint(1, 10, "a.mp4", map[string][]string{"name": {"x"}, "tags": {"a", "b"}}, map[string][]byte{"thumbnailfile": []byte("q")})
		},
	} {
		if got, err := f(); err != nil || got == want {
			t.Errorf("another %s has the same fingerprint (%v)", name, err)
		}
	}
}

// TestMetered: what is outside the video counts, the video does not.
func TestMetered(t *testing.T) {
	m := &metered{r: bytes.NewReader(make([]byte, 1000)), left: 10}
	buf := make([]byte, 100)
	if n, err := m.Read(buf); n != 10 || err != nil {
		t.Errorf("Read = %d, %v, want the 10 that are left", n, err)
	}
	if _, err := m.Read(buf); err == nil {
		t.Error("more than the limit was read")
	}
	m.free = true
	if n, err := m.Read(buf); n != 100 || err != nil {
		t.Errorf("inside the video: %d, %v", n, err)
	}
}
