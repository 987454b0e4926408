package torrent

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/anacrolix/torrent/metainfo"
	"github.com/google/go-cmp/cmp"
)

func TestPieceLength(t *testing.T) {
	const kib, mib = 1 << 10, 1 << 20
	for size, want := range map[int64]int64{
		0: 16 * kib, 1: 16 * kib, 16 * kib: 16 * kib, 644_909: 16 * kib, 680_948: 16 * kib, // the last two: PeerTube's, see testdata
		22 * mib: 16 * kib, 23 * mib: 32 * kib, // 2^14.5 KiB lies between
		100_000_000: 128 * kib, 1_000_000_000: mib, 10_000_000_000: 4 * mib, 1 << 50: 4 * mib, math.MaxInt64: 4 * mib,
	} {
		if got := PieceLength(size); got != want {
			t.Errorf("PieceLength(%d) = %d, want %d", size, got, want)
		}
	}
}

// content is a file of n bytes that no two pieces of are equal.
func content(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>16) ^ byte(i*31)
	}
	return b
}

func hashed(b []byte) Pieces {
	h := NewHasher(int64(len(b)))
	_, _ = h.Write(b)
	return h.Finish()
}

func TestHasher(t *testing.T) {
	for _, size := range []int{0, 1, 16_383, 16_384, 16_385, 3 * 16_384, 100_001} {
		data := content(size)
		var want []byte
		for piece := range slices.Chunk(data, 16<<10) {
			sum := sha1.Sum(piece)
			want = append(want, sum[:]...)
		}
		for name, r := range map[string]io.Reader{"at once": bytes.NewReader(data), "in halves": iotest.HalfReader(bytes.NewReader(data)), "in bytes": iotest.OneByteReader(bytes.NewReader(data))} {
			h := NewHasher(int64(size))
			var file bytes.Buffer
			if _, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(&file, h)}, struct{ io.Reader }{r}, make([]byte, 5000)); err != nil {
				t.Fatal(err)
			}
			p := h.Finish()
			if !bytes.Equal(p.Hashes, want) || p.Length != int64(size) || p.PieceLength != 16<<10 || !bytes.Equal(file.Bytes(), data) {
				t.Errorf("%d bytes %s: %d bytes of hashes, want %d", size, name, len(p.Hashes), len(want))
			}
		}
	}
}

func example() Metainfo {
	return Metainfo{
		Pieces:   hashed(content(100_000)),
		Name:     "A film 720p.mp4",
		Trackers: []string{"wss://v.example/tracker/socket", "https://v.example/tracker/announce"},
		WebSeeds: []string{"https://v.example/static/web-videos/a-720.mp4"},
		Created:  time.Unix(1_795_466_201, 0),
	}
}

// TestMarshalLayout: the same keys in the same order as in the torrents of
// PeerTube 6.3, byte for byte around what differs.
func TestMarshalLayout(t *testing.T) {
	for _, name := range []string{"webvideo-720p.torrent", "hls-720p.torrent"} {
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			mi, err := metainfo.Load(bytes.NewReader(want))
			if err != nil {
				t.Fatal(err)
			}
			info, err := mi.UnmarshalInfo()
			if err != nil {
				t.Fatal(err)
			}
			if got := PieceLength(info.Length); got != info.PieceLength {
				t.Errorf("PieceLength = %d, want %d", got, info.PieceLength)
			}
			if got := InfoName("Test pattern 720p (updated)", 720, ".mp4"); got != info.Name {
				t.Errorf("InfoName = %q, want %q", got, info.Name)
			}
			m := Metainfo{
				Pieces: Pieces{info.Length, info.PieceLength, info.Pieces}, Name: info.Name,
				Trackers: slices.Concat(mi.AnnounceList...), WebSeeds: mi.UrlList, Created: time.Unix(mi.CreationDate, 0),
			}
			got, hash, err := m.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			got = bytes.Replace(got, []byte("10:created by8:Kinemesh"), []byte("10:created by8:PeerTube"), 1)
			if !bytes.Equal(got, want) {
				t.Errorf("Marshal = %q, want %q", got, want)
			}
			if hash != mi.HashInfoBytes().HexString() {
				t.Errorf("info hash = %s, want %s", hash, mi.HashInfoBytes().HexString())
			}
		})
	}
}

func TestMarshal(t *testing.T) {
	m := example()
	data, hash, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, hash2, err := example().Marshal()
	if err != nil || !bytes.Equal(again, data) || hash != hash2 {
		t.Errorf("the second time it differs: %v", err)
	}
	mi, err := metainfo.Load(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	info, err := mi.UnmarshalInfo()
	if err != nil {
		t.Fatal(err)
	}
	if info.Name != m.Name || info.Length != 100_000 || info.PieceLength != 16<<10 || info.NumPieces() != 7 || mi.HashInfoBytes().HexString() != hash {
		t.Errorf("info = %+v, hash %s", info, hash)
	}
	if diff := cmp.Diff([][]string{{m.Trackers[0]}, {m.Trackers[1]}}, [][]string(mi.AnnounceList)); diff != "" || mi.Announce != m.Trackers[0] {
		t.Errorf("announce %q, list %s", mi.Announce, diff)
	}
	// Neither trackers nor addresses enter the hash; the name does.
	m.Trackers, m.WebSeeds, m.Created = nil, nil, time.Time{}
	data, same, err := m.Marshal()
	if err != nil || same != hash {
		t.Errorf("info hash = %s, %v, want %s", same, err, hash)
	}
	for _, key := range []string{"announce", "url-list", "creation date", "private"} {
		if bytes.Contains(data, []byte(strconv.Itoa(len(key))+":"+key)) {
			t.Errorf("the torrent has the key %q", key)
		}
	}
	m.Name = "Another film 720p.mp4"
	if _, other, err := m.Marshal(); err != nil || other == hash {
		t.Errorf("info hash after renaming = %s, %v", other, err)
	}
}

func TestMarshalRefuses(t *testing.T) {
	if _, _, err := example().Marshal(); err != nil {
		t.Fatalf("the intact twin: %v", err)
	}
	for name, change := range map[string]func(*Metainfo){
		"no name":        func(m *Metainfo) { m.Name = "" },
		"path":           func(m *Metainfo) { m.Name = "../x.mp4" },
		"folder":         func(m *Metainfo) { m.Name = "a/b.mp4" },
		"hidden":         func(m *Metainfo) { m.Name = ".x" },
		"line feed":      func(m *Metainfo) { m.Name = "a\nb" },
		"not UTF-8":      func(m *Metainfo) { m.Name = "\xff" },
		"empty file":     func(m *Metainfo) { m.Pieces = hashed(nil) },
		"hashes missing": func(m *Metainfo) { m.Hashes = m.Hashes[:20] },
		"half a hash":    func(m *Metainfo) { m.Hashes = m.Hashes[:139] },
		"no piece":       func(m *Metainfo) { m.PieceLength = 0 },
	} {
		m := example()
		change(&m)
		if _, _, err := m.Marshal(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: Marshal = %v, want ErrInvalid", name, err)
		}
	}
}

// TestAria2 reads the torrent with a client that is not ours.
func TestAria2(t *testing.T) {
	path, err := exec.LookPath("aria2c")
	if err != nil {
		t.Skip("aria2c is not installed")
	}
	m := example()
	data, hash, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.torrent")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, "--show-files=true", "--no-conf=true", file).CombinedOutput()
	if err != nil {
		t.Fatalf("aria2c: %v: %s", err, out)
	}
	for _, want := range []string{hash, m.Name, "Created By: Kinemesh", "Mode: single", "wss://v.example/tracker/socket", "https://v.example/tracker/announce", "Piece Length: 16KiB", "The Number of Pieces: 7"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("aria2c does not show %q: %s", want, out)
		}
	}
}

func TestInfoName(t *testing.T) {
	long := strings.Repeat("\u00e9", 150)
	for _, tt := range []struct {
		name string
		res  int
		ext  string
		want string
	}{
		{"A film", 720, ".mp4", "A film 720p.mp4"},
		{`a/b\c?d%e*f:g|h"i<j>k`, 0, ".mp4", "a-b-c-d-e-f-g-h-i-j-k 0p.mp4"},
		{"../../etc/passwd", 480, ".mp4", "-..-etc-passwd 480p.mp4"},
		{"a\x00b\nc\x7f", 1, ".mp4", "a-b-c- 1p.mp4"},
		{"", 720, ".mp4", "video 720p.mp4"},
		{" . ", 720, ".mp4", "video 720p.mp4"},
		{"\xff\xfe", 720, ".mp4", "- 720p.mp4"},
		{"日本語 тест", 1080, ".mp4", "日本語 тест 1080p.mp4"},
		{long, 720, ".mp4", long[:190] + " 720p.mp4"},
	} {
		got := InfoName(tt.name, tt.res, tt.ext)
		if got != tt.want || len(got) > maxName {
			t.Errorf("InfoName(%q) = %q, want %q", tt.name, got, tt.want)
		}
		m := example()
		m.Name = got
		if _, _, err := m.Marshal(); err != nil {
			t.Errorf("Marshal with name %q = %v", got, err)
		}
	}
}

// recordedMagnet is of a PeerTube 6.3 video.
const recordedMagnet = "magnet:?xs=http%3A%2F%2Flocalhost%3A9011%2Flazy-static%2Ftorrents%2F7a3f2b81-0fc6-4739-a8c4-776d277660c8-720-hls.torrent&xt=urn:btih:40ea012a6d3e697ac2347f4486e94340f1cdd62a&dn=Test+pattern+720p+(updated)&tr=http%3A%2F%2Flocalhost%3A9011%2Ftracker%2Fannounce&tr=ws%3A%2F%2Flocalhost%3A9011%2Ftracker%2Fsocket&ws=http%3A%2F%2Flocalhost%3A9011%2Fstatic%2Fstreaming-playlists%2Fhls%2Fc3b47eec-2d62-4cac-86cb-104daedde723%2F16356538-7ff7-4518-a630-33df6c1d52c7-720-fragmented.mp4"

func TestMagnetRecorded(t *testing.T) {
	m, err := ParseMagnet(recordedMagnet)
	if err != nil {
		t.Fatal(err)
	}
	want := Magnet{
		Torrent:  "http://localhost:9011/lazy-static/torrents/7a3f2b81-0fc6-4739-a8c4-776d277660c8-720-hls.torrent",
		InfoHash: "40ea012a6d3e697ac2347f4486e94340f1cdd62a",
		Name:     "Test pattern 720p (updated)",
		Trackers: []string{"http://localhost:9011/tracker/announce", "ws://localhost:9011/tracker/socket"},
		WebSeeds: []string{"http://localhost:9011/static/streaming-playlists/hls/c3b47eec-2d62-4cac-86cb-104daedde723/16356538-7ff7-4518-a630-33df6c1d52c7-720-fragmented.mp4"},
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Error(diff)
	}
	if got := m.String(); got != recordedMagnet {
		t.Errorf("String = %q, want %q", got, recordedMagnet)
	}
}

func TestParseMagnet(t *testing.T) {
	const hash = "40ea012a6d3e697ac2347f4486e94340f1cdd62a"
	for name, tt := range map[string]struct{ in, hash string }{
		"bare":            {"magnet:?xt=urn:btih:" + hash, hash},
		"upper case":      {"MAGNET:?XT=URN:BTIH:" + strings.ToUpper(hash), hash},
		"base32":          {"magnet:?xt=urn:btih:IDVACKTNHZUXVQRUP5CIN2KDIDY43VRK", hash},
		"escaped urn":     {"magnet:?xt=urn%3Abtih%3A" + hash, hash},
		"numbered":        {"magnet:?xt.1=urn:sha1:X&xt.2=urn:btih:" + hash, hash},
		"first of two":    {"magnet:?xt=urn:btih:" + hash + "&xt=urn:btih:" + strings.Repeat("a", 40), hash},
		"unknown fields":  {"magnet:?as=x&kt=y&xt=urn:btih:" + hash + "&x.pe=1.2.3.4:5&tr=&ws", hash},
		"version 2 alone": {"magnet:?xt=urn:btmh:1220" + strings.Repeat("a", 64), ""},
		"no hash":         {"magnet:?dn=x", ""},
		"short hash":      {"magnet:?xt=urn:btih:" + hash[:38], ""},
		"no hex":          {"magnet:?xt=urn:btih:" + strings.Repeat("z", 40), ""},
		"no base32":       {"magnet:?xt=urn:btih:" + strings.Repeat("1", 32), ""},
		"bad escape":      {"magnet:?xt=urn:btih:" + hash + "&dn=%zz", ""},
		"other scheme":    {"http://x/?xt=urn:btih:" + hash, ""},
		"empty":           {"", ""},
		"too long":        {"magnet:?xt=urn:btih:" + hash + "&dn=" + strings.Repeat("x", maxMagnet), ""},
		"too many":        {"magnet:?xt=urn:btih:" + hash + strings.Repeat("&tr=x", maxParams), ""},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ParseMagnet(tt.in)
			if tt.hash == "" {
				if !errors.Is(err, ErrMagnet) {
					t.Errorf("ParseMagnet = %+v, %v, want ErrMagnet", m, err)
				}
				return
			}
			if err != nil || m.InfoHash != tt.hash {
				t.Errorf("ParseMagnet = %+v, %v, want %s", m, err, tt.hash)
			}
		})
	}
}

func TestMagnetParts(t *testing.T) {
	if got, want := (Magnet{InfoHash: "ab"}).String(), "magnet:?xt=urn:btih:ab"; got != want {
		t.Errorf("String = %q, want %q", got, want)
	}
	m := Magnet{InfoHash: strings.Repeat("0", 40), Name: "a+b & c=d!'()*~_-.%\u00e9", WebSeeds: []string{"https://a/1", "https://b/2"}}
	got := m.String()
	if !strings.Contains(got, "&dn=a%2Bb+%26+c%3Dd!'()*~_-.%25%C3%A9&ws=") {
		t.Errorf("String = %q", got)
	}
	again, err := ParseMagnet(got)
	if diff := cmp.Diff(m, again); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func FuzzParseMagnet(f *testing.F) {
	f.Add(recordedMagnet)
	f.Add("magnet:?xt=urn:btih:IDVACKTNHZUXVQRUP5CIN2KDIDY43VRK&dn=%20&tr.1=a")
	hex40 := regexp.MustCompile(`^[0-9a-f]{40}$`)
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMagnet(s)
		if err != nil {
			return
		}
		if !hex40.MatchString(m.InfoHash) {
			t.Fatalf("ParseMagnet(%q) = %+v", s, m)
		}
		if len(m.String()) > maxMagnet { // escaping made it longer
			return
		}
		again, err := ParseMagnet(m.String())
		if err != nil || !cmp.Equal(m, again) {
			t.Errorf("%q became %q: %v %s", s, m, err, cmp.Diff(m, again))
		}
	})
}

func TestAllowList(t *testing.T) {
	asked := 0
	fail := error(nil)
	known := map[string]bool{strings.Repeat("01", 20): true}
	a := NewAllowList(func(_ context.Context, h string) (bool, error) {
		asked++
		return known[h], fail
	})
	now := time.Unix(1000, 0)
	a.now = func() time.Time { return now }
	ours := [20]byte(bytes.Repeat([]byte{1}, 20))
	check := func(what string, h [20]byte, want bool, wantAsked int) {
		t.Helper()
		if got, err := a.Allow(t.Context(), h); got != want || err != nil || asked != wantAsked {
			t.Errorf("%s: Allow = %v, %v after %d questions, want %v after %d", what, got, err, asked, want, wantAsked)
		}
	}
	check("known", ours, true, 1)
	check("known again", ours, true, 1)
	check("unknown", [20]byte{9}, false, 2)
	check("unknown again", [20]byte{9}, false, 2)
	known[hex.EncodeToString(append([]byte{9}, make([]byte, 19)...))] = true
	check("added, from memory", [20]byte{9}, false, 2)
	a.Forget()
	check("added, after Forget", [20]byte{9}, true, 3)
	delete(known, strings.Repeat("01", 20))
	now = now.Add(allowFor - 1)
	check("removed, just before", [20]byte{9}, true, 3)
	now = now.Add(1)
	check("removed, after its time", ours, false, 4)

	fail = errors.New("database is away")
	if ok, err := a.Allow(t.Context(), [20]byte{7}); ok || !errors.Is(err, fail) {
		t.Errorf("Allow = %v, %v", ok, err)
	}
	fail = nil
	check("after the error", [20]byte{7}, false, 6)

	for i := range 2 * allowMax { // a flood of unknown hashes
		if _, err := a.Allow(t.Context(), sha1.Sum([]byte(strconv.Itoa(i)))); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(a.answers); n > allowMax {
		t.Errorf("%d answers are kept", n)
	}
}

// BenchmarkHasher shows what hashing adds to writing a file.
func BenchmarkHasher(b *testing.B) {
	buf := content(1 << 20)
	b.SetBytes(int64(len(buf)))
	h := NewHasher(int64(b.N) << 20)
	for b.Loop() {
		_, _ = h.Write(buf)
	}
}
