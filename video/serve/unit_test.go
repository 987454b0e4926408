package serve

import (
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
)

func TestTokens(t *testing.T) {
	const a, b = "0b5a1f7e-0000-4000-8000-000000000001", "0b5a1f7e-0000-4000-8000-000000000002"
	now := time.Now()
	k := newTokens("secret")
	token := k.sign(holder{7, 9}, a, now.Add(time.Hour))
	if id, ok := k.check(token, a, now); !ok || id != (holder{7, 9}) {
		t.Fatalf("check = %v, %v", id, ok)
	}
	if token != strings.Trim(token, "=+/") || len(token) > 120 {
		t.Errorf("token %q does not fit into an address", token)
	}
	// The fifth byte of the tail is changed in another letter.
	last := token[len(token)-5]
	other := "A"
	if last == 'A' {
		other = "B"
	}
	for name, c := range map[string]struct {
		k            tokens
		token, video string
		at           time.Time
	}{
		"another video":    {k, token, b, now},
		"expired":          {k, token, a, now.Add(time.Hour)},
		"another secret":   {newTokens("other"), token, a, now},
		"changed":          {k, token[:len(token)-5] + other + token[len(token)-4:], a, now},
		"another user":     {k, k.sign(holder{8, 9}, a, now.Add(time.Hour))[:16] + token[16:], a, now},
		"another password": {k, k.sign(holder{7, 8}, a, now.Add(time.Hour))[:22] + token[22:], a, now},
		"cut":              {k, token[:40], a, now},
		"empty":            {k, "", a, now},
		"not base64":       {k, "ä" + token, a, now},
	} {
		if id, ok := c.k.check(c.token, c.video, c.at); ok {
			t.Errorf("%s: accepted for %v", name, id)
		}
	}
}

func FuzzTokens(f *testing.F) {
	k := newTokens("secret")
	f.Add(k.sign(holder{1, 0}, "x", time.Unix(1<<40, 0)))
	f.Fuzz(func(t *testing.T, s string) {
		if id, ok := k.check(s, "another", time.Unix(0, 0)); ok {
			t.Errorf("%q was accepted for %v", s, id)
		}
	})
}

func TestSafeName(t *testing.T) {
	for in, want := range map[string]string{
		"A film": "A film", `a/b\c:d*e?f"g<h>i|j%k`: "a-b-c-d-e-f-g-h-i-j-k", "../../etc": "-..-etc", "x\r\nSet-Cookie: a=b": "xSet-Cookie- a=b",
		"\u202egpm.exe": "gpm.exe", "  . ": "video", "": "video", "日本語": "日本語", strings.Repeat("y", 300): strings.Repeat("y", 100),
	} {
		got := safeName(in)
		if got != want {
			t.Errorf("safeName(%q) = %q, want %q", in, got, want)
		}
		_, params, err := mime.ParseMediaType(mime.FormatMediaType("attachment", map[string]string{"filename": got}))
		if err != nil || params["filename"] != want {
			t.Errorf("in a header: %q, %v", params["filename"], err)
		}
	}
}

func TestReinject(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{
			"master", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1\"\nid-720.m3u8\n\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"id-0.m3u8\",NAME=\"x\"\n",
			"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1\"\nid-720.m3u8?videoFileToken=T-_&reinjectVideoFileToken=true\n\n" +
				"#EXT-X-MEDIA:TYPE=AUDIO,URI=\"id-0.m3u8?videoFileToken=T-_&reinjectVideoFileToken=true\",NAME=\"x\"\n",
		},
		{
			"media", "#EXTM3U\r\n#EXT-X-MAP:URI=\"id.mp4\",BYTERANGE=\"10@0\"\r\n#EXT-X-BYTERANGE:5@10\r\nid.mp4\r\n#EXT-X-ENDLIST",
			"#EXTM3U\r\n#EXT-X-MAP:URI=\"id.mp4?videoFileToken=T-_\",BYTERANGE=\"10@0\"\r\n#EXT-X-BYTERANGE:5@10\r\nid.mp4?videoFileToken=T-_\r\n#EXT-X-ENDLIST",
		},
		{"with a query", "a.ts?x=1\n", "a.ts?x=1&videoFileToken=T-_\n"},
		{"an attribute without an end", "#EXT-X-MAP:URI=\"id.mp4\n", "#EXT-X-MAP:URI=\"id.mp4\n"},
		{"nothing", "", ""},
	} {
		if d := cmp.Diff(c.want, string(reinject([]byte(c.in), "T-_"))); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

// connection is a writer that takes files by itself, as those of net/http do.
type connection struct {
	*httptest.ResponseRecorder
	pieces []int64
}

func (c *connection) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(c.ResponseRecorder, r)
	c.pieces = append(c.pieces, n)
	return n, err
}

// changing is a writer that must see every byte, as one that compresses.
type changing struct {
	http.ResponseWriter
	seen int
}

func (c *changing) Write(b []byte) (int, error) {
	c.seen += len(b)
	return c.ResponseWriter.Write(b)
}

// TestSender: files go to the connection in pieces, past echo's own wrappers but
// past nothing else.
func TestSender(t *testing.T) {
	data := strings.Repeat("x", 5*sendPiece/2)
	e := echo.New()
	conn := &connection{ResponseRecorder: httptest.NewRecorder()}
	w := newSender(echo.NewResponse(echo.NewResponse(conn, e), e))
	n, err := io.CopyN(w, strings.NewReader(data), int64(len(data)))
	if err != nil || n != int64(len(data)) || conn.Body.String() != data || !w.Committed || w.Size != n {
		t.Errorf("sent %d, %v, size %d", n, err, w.Size)
	}
	if d := cmp.Diff([]int64{sendPiece, sendPiece, sendPiece / 2}, conn.pieces); d != "" {
		t.Error(d)
	}
	conn = &connection{ResponseRecorder: httptest.NewRecorder()}
	between := &changing{ResponseWriter: conn}
	w = newSender(echo.NewResponse(between, e))
	if n, err := io.CopyN(w, strings.NewReader(data), int64(len(data))); err != nil || n != int64(len(data)) || between.seen != len(data) {
		t.Errorf("sent %d, %v, of which the writer between saw %d", n, err, between.seen)
	}
}

func TestTypes(t *testing.T) {
	for name, want := range map[string]string{
		"a.mp4": "video/mp4", "a.m3u8": "application/vnd.apple.mpegurl", "a.json": "application/json", "a.torrent": "application/x-bittorrent",
		"a.jpg": "image/jpeg", "a.svg": "application/octet-stream", "a.html": "application/octet-stream", "a.jsonld": "application/octet-stream", "a": "application/octet-stream",
	} {
		if got := typeOf(name); got != want {
			t.Errorf("typeOf(%q) = %q", name, got)
		}
	}
}

func TestFileNames(t *testing.T) {
	for name, want := range map[string]bool{
		"0f-720.mp4": true, "0f-720-hls.torrent": true, "a.tar.gz": true, "": false, ".": false, "..": false, "../a.mp4": false, "a/b.mp4": false,
		".hidden": false, "a": false, "a.mp4\x00": false, "a b.mp4": false, "ä.mp4": false, strings.Repeat("a", 200) + ".mp4": false, "a.mp4\n": false,
	} {
		if got := fileName.MatchString(name); got != want {
			t.Errorf("fileName(%q) = %v", name, got)
		}
	}
}
