package hls

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func testdata(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recorded are the renditions of a real PeerTube 6.3 video, whose playlists are
// in testdata.
func recorded() []Rendition {
	r := func(res, w int, size int64, codec, playlist string) Rendition {
		return Rendition{res, w, res, 30, size, 20 * time.Second, []string{codec, "mp4a.40.2"}, playlist}
	}
	return []Rendition{
		r(720, 1280, 644_909, "avc1.64001f", "16356538-7ff7-4518-a630-33df6c1d52c7-720.m3u8"),
		r(480, 854, 532_840, "avc1.64001f", "ba765965-0d51-47d4-800e-6efd29419dbe-480.m3u8"),
		r(240, 426, 447_857, "avc1.640015", "91193c9c-5a66-421b-b237-ee3a414bc6c2-240.m3u8"),
	}
}

// TestMasterRecorded: byte for byte what PeerTube wrote.
func TestMasterRecorded(t *testing.T) {
	got, err := Master(recorded())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(testdata(t, "master.m3u8")), string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestMaster(t *testing.T) {
	const head = "#EXTM3U\n#EXT-X-VERSION:3\n\n\n"
	video := Rendition{360, 640, 360, 30000.0 / 1001, 1_000_001, 10 * time.Second, []string{"avc1.4D401e"}, "v.m3u8"}
	sound := Rendition{0, 0, 0, 0, 80_000, 10 * time.Second, []string{"mp4a.40.2"}, "a.m3u8"}
	bare := Rendition{Resolution: 144, Width: 256, Height: 144, Playlist: "b.m3u8"}
	tests := map[string]struct {
		in   []Rendition
		want string
	}{
		"fractions":    {[]Rendition{video}, head + "#EXT-X-STREAM-INF:BANDWIDTH=800001,RESOLUTION=640x360,FRAME-RATE=29.97,CODECS=\"avc1.4D401e\"\nv.m3u8\n"},
		"sound alone":  {[]Rendition{sound}, head + "#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS=\"mp4a.40.2\"\na.m3u8\n"},
		"unknown rest": {[]Rendition{bare}, head + "#EXT-X-STREAM-INF:BANDWIDTH=0,RESOLUTION=256x144\nb.m3u8\n"},
		"split": {[]Rendition{video, sound}, "#EXTM3U\n#EXT-X-VERSION:3\n\n" +
			"#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Audio\",AUTOSELECT=YES,DEFAULT=YES,URI=\"a.m3u8\"\n\n" +
			"#EXT-X-STREAM-INF:BANDWIDTH=800001,RESOLUTION=640x360,FRAME-RATE=29.97,CODECS=\"avc1.4D401e,mp4a.40.2\",AUDIO=\"audio\"\nv.m3u8\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := slices.Clone(tt.in)
			got, err := Master(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(before, tt.in); diff != "" {
				t.Errorf("the argument was changed: %s", diff)
			}
		})
	}
}

func TestMasterRefuses(t *testing.T) {
	for _, name := range []string{"", "../x.m3u8", "a/b.m3u8", "a\nb", "a\rb", "#x", `a"b`, ".hidden", "http://x", "a?b", "a%2fb", `a\b`} {
		if got, err := Master([]Rendition{{Resolution: 240, Playlist: name}}); !errors.Is(err, ErrRendition) {
			t.Errorf("Master with playlist %q = %q, %v", name, got, err)
		}
		if got, err := Master([]Rendition{{Playlist: name}, {Resolution: 240, Playlist: "v.m3u8"}}); !errors.Is(err, ErrRendition) {
			t.Errorf("Master with audio playlist %q = %q, %v", name, got, err)
		}
	}
	if _, err := Master(nil); !errors.Is(err, ErrRendition) {
		t.Errorf("Master of nothing = %v", err)
	}
	if _, err := Master([]Rendition{{Resolution: 240, Playlist: "v.m3u8"}}); err != nil {
		t.Errorf("Master = %v", err)
	}
}

func TestParseMediaRecorded(t *testing.T) {
	m, err := ParseMedia(testdata(t, "media.m3u8"))
	if err != nil {
		t.Fatal(err)
	}
	want := &Media{
		File: "16356538-7ff7-4518-a630-33df6c1d52c7-720-fragmented.mp4",
		Init: Range{0, 1353},
		Segments: []Segment{
			{Range{1353, 126_623}, 4 * time.Second},
			{Range{127_976, 128_067}, 4 * time.Second},
			{Range{256_043, 128_374}, 4 * time.Second},
			{Range{384_417, 129_390}, 4 * time.Second},
			{Range{513_807, 131_102}, 4 * time.Second},
		},
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Error(diff)
	}
	if m.Duration() != 20*time.Second {
		t.Errorf("Duration = %v", m.Duration())
	}
}

func TestParseMedia(t *testing.T) {
	// Offsets may be left out; other tags, blank lines and CR are no matter.
	m, err := ParseMedia([]byte("#EXTM3U\r\n\r\n#EXT-X-MAP:BYTERANGE=\"10@5\",URI=\"f.mp4\"\r\n#EXT-X-UNKNOWN:1\n#EXTINF:1.5,title\n#EXT-X-BYTERANGE:7\nf.mp4\n" +
		"#EXTINF:2\n#EXT-X-BYTERANGE:8@30\nf.mp4\n#EXTINF:1\n#EXT-X-BYTERANGE:1\nf.mp4\n#EXT-X-ENDLIST"))
	if err != nil {
		t.Fatal(err)
	}
	want := &Media{File: "f.mp4", Init: Range{5, 10}, Segments: []Segment{
		{Range{15, 7}, 1500 * time.Millisecond}, {Range{30, 8}, 2 * time.Second}, {Range{38, 1}, time.Second},
	}}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Error(diff)
	}
}

func TestParseMediaRefuses(t *testing.T) {
	const (
		head = "#EXTM3U\n#EXT-X-MAP:URI=\"f\",BYTERANGE=\"1@0\"\n"
		end  = "#EXT-X-ENDLIST\n"
		good = "#EXTINF:1,\n#EXT-X-BYTERANGE:5@1\nf\n"
	)
	if _, err := ParseMedia([]byte(head + good + end)); err != nil {
		t.Fatalf("the intact twin: %v", err)
	}
	tests := map[string]string{
		"empty":           "",
		"no header":       good + end,
		"not ended":       head + good,
		"no segments":     head + end,
		"two files":       head + good + "#EXTINF:1,\n#EXT-X-BYTERANGE:5@6\ng\n" + end,
		"no range":        head + "#EXTINF:1,\nf\n" + end,
		"no duration":     head + "#EXT-X-BYTERANGE:5@1\nf\n" + end,
		"zero duration":   head + "#EXTINF:0,\n#EXT-X-BYTERANGE:5@1\nf\n" + end,
		"negative":        head + "#EXTINF:-1,\n#EXT-X-BYTERANGE:5@1\nf\n" + end,
		"NaN":             head + "#EXTINF:NaN,\n#EXT-X-BYTERANGE:5@1\nf\n" + end,
		"endless":         head + "#EXTINF:1e9,\n#EXT-X-BYTERANGE:5@1\nf\n" + end,
		"empty range":     head + "#EXTINF:1,\n#EXT-X-BYTERANGE:0@1\nf\n" + end,
		"negative length": head + "#EXTINF:1,\n#EXT-X-BYTERANGE:-5@1\nf\n" + end,
		"negative offset": head + "#EXTINF:1,\n#EXT-X-BYTERANGE:5@-1\nf\n" + end,
		"overflow":        head + "#EXTINF:1,\n#EXT-X-BYTERANGE:5@9223372036854775807\nf\n" + end,
		"later overflow":  head + "#EXTINF:1,\n#EXT-X-BYTERANGE:9223372036854775800@1\nf\n#EXTINF:1,\n#EXT-X-BYTERANGE:100\nf\n" + end,
		"words":           head + "#EXTINF:one,\n#EXT-X-BYTERANGE:5@1\nf\n" + end,
		"map of nothing":  "#EXTM3U\n#EXT-X-MAP:BYTERANGE=\"1@0\"\n" + good + end,
		"endless line":    "#EXTM3U\n#" + strings.Repeat("x", 100_000) + "\n" + good + end,
		"very many":       head + strings.Repeat(good, maxSegments+1) + end,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			if m, err := ParseMedia([]byte(text)); !errors.Is(err, ErrPlaylist) {
				t.Errorf("ParseMedia = %+v, %v, want ErrPlaylist", m, err)
			}
		})
	}
}

func TestHashSegments(t *testing.T) {
	m := &Media{File: "f.mp4", Init: Range{0, 10}, Segments: []Segment{{Range{10, 20}, 1}, {Range{30, 5}, 1}, {Range{40, 60}, 1}}}
	data := make([]byte, 120)
	for i := range data {
		data[i] = byte(i)
	}
	sum := func(a, b int) string { s := sha256.Sum256(data[a:b]); return hex.EncodeToString(s[:]) }
	want := File{"f.mp4", []Sum{{"10-29", sum(10, 30)}, {"30-34", sum(30, 35)}, {"40-99", sum(40, 100)}}}
	for name, r := range map[string]io.Reader{"whole": bytes.NewReader(data), "in bytes": iotest.OneByteReader(bytes.NewReader(data)), "with end": iotest.DataErrReader(bytes.NewReader(data))} {
		got, err := HashSegments(m, r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if _, err := HashSegments(m, bytes.NewReader(data[:99])); !errors.Is(err, ErrShort) {
		t.Errorf("HashSegments of a short file = %v", err)
	}
	if _, err := HashSegments(m, iotest.TimeoutReader(iotest.HalfReader(bytes.NewReader(data)))); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("HashSegments of a failing reader = %v", err)
	}
	m.Segments[1].Offset = 5
	if _, err := HashSegments(m, bytes.NewReader(data)); !errors.Is(err, ErrPlaylist) {
		t.Errorf("HashSegments of overlapping segments = %v", err)
	}
}

// TestSegmentsRecorded: what PeerTube wrote is read and written again without a
// change.
func TestSegmentsRecorded(t *testing.T) {
	data := testdata(t, "segments-sha256.json")
	files, err := ParseSegments(data)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 3 || len(files[0].Sums) != 5 || files[0].Sums[0].Range != "1377-88778" {
		t.Errorf("ParseSegments = %+v", files)
	}
	got := MarshalSegments(files)
	if diff := cmp.Diff(string(data), string(got)); diff != "" {
		t.Error(diff)
	}
	// The ranges are those of the media playlist.
	m, err := ParseMedia(testdata(t, "media.m3u8"))
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range m.Segments {
		if files[2].Name != m.File || files[2].Sums[i].Range != s.String() {
			t.Errorf("segment %d: %s, want %s", i, files[2].Sums[i].Range, s)
		}
	}
}

func TestParseSegmentsRefuses(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	good := `{"f":{"0-1":"` + sum + `"}}`
	if _, err := ParseSegments([]byte(good)); err != nil {
		t.Fatalf("the intact twin: %v", err)
	}
	for name, text := range map[string]string{
		"empty": "", "array": "[]", "string": `"x"`, "flat": `{"f":"` + sum + `"}`, "number": `{"f":{"0-1":1}}`, "short": `{"f":{"0-1":"ab"}}`,
		"no hex": `{"f":{"0-1":"` + strings.Repeat("xy", 32) + `"}}`, "cut off": good[:len(good)-1], "two values": good + good, "null": "null",
	} {
		if f, err := ParseSegments([]byte(text)); err == nil {
			t.Errorf("%s: ParseSegments = %+v", name, f)
		}
	}
	if got := MarshalSegments(nil); string(got) != "{}\n" {
		t.Errorf("MarshalSegments of nothing = %q", got)
	}
}

// TestSwarmHashes: values computed with another implementation. Those of
// version 1 also stand in the recorded ActivityPub document of the same video.
func TestSwarmHashes(t *testing.T) {
	const (
		url  = "http://localhost:9011/static/streaming-playlists/hls/c3b47eec-2d62-4cac-86cb-104daedde723/57e6ce86-0682-420b-b337-f6d948fc7089-master.m3u8"
		uuid = "c3b47eec-2d62-4cac-86cb-104daedde723"
		url2 = "https://v.example/m.m3u8"
		id2  = "0b1e7a4c-9f6d-4f0e-8a57-4b8f9a1c2d3e"
	)
	video := Rendition{360, 640, 360, 29.97, 1_000_000, 10 * time.Second, []string{"avc1.4D401e"}, "v.m3u8"}
	sound := Rendition{0, 0, 0, 0, 80_000, 10 * time.Second, []string{"mp4a.40.2"}, "a.m3u8"}
	tests := map[string]struct {
		url, uuid string
		files     []Rendition
		want      []string
	}{
		"three resolutions": {url, uuid, recorded(), []string{
			"1931ad7c2f0237ae08304275c32cba491e34dc87", // version 1
			"2b766f63362f3648746c4f452b2b425855346b2b", // version 2
			"74645233302b4e4559626c6f584c554a6e373157", // version 2.3
			"614f59694f576e7143364d3559524143595a6946", // newest
			"a4d5fda7040144a5c5fcaecf3bd5b920d4bbc9fb",
			"337955543575654f44782f487452726e37395036",
			"42734b586e72534d7350515a6f2f393538345864",
			"79424270495969736742726945546e446f48314d",
			"d3abe73fb4a4d096c14ec007394f93e496f47372",
			"433377514d3559324c5036752b6d704571517051",
			"3744616a3831446f704955506267734e78537944",
			"635853712b4e4f634664574b7a43784e51495769",
		}},
		"sound apart": {url2, id2, []Rendition{video, sound}, []string{
			"22e5eba374525deb3b8eec63ffddf7464373098b",
			"94eda0286f581eff90ddefe4624ac4de2faa59ab",
			"6f7050674e324b4c4f6e714d394f4947395a566f",
			"3947694650736b4565437a43633968544b377139",
			"7a615239544c356b6778565a515a3957324e4c70",
			"2b4f2b585058343152684c4349677636774f7552",
			"6c4366755231357a74706e79764f6c424d4a6f32",
			"6e55376b385235526b4f336842684e324a745546",
			"49394336706d75416f625853306d357755467043",
		}},
		"sound alone": {url2, id2, []Rendition{sound}, []string{
			"22e5eba374525deb3b8eec63ffddf7464373098b",
			"6f7050674e324b4c4f6e714d394f4947395a566f",
			"37336d4c6b555a746f473054477a486932696c68",
			"6e55376b385235526b4f336842684e324a745546",
		}},
		"nothing": {url2, id2, nil, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, h := range SwarmHashes(tt.url, tt.uuid, tt.files) {
				got = append(got, hex.EncodeToString(h[:]))
			}
			slices.Sort(tt.want)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzParseMedia(f *testing.F) {
	for _, name := range []string{"media.m3u8", "master.m3u8"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:5\nf\n#EXT-X-ENDLIST\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMedia(b)
		if err != nil {
			return
		}
		for _, s := range m.Segments {
			if s.Length <= 0 || s.Offset < 0 || s.Offset+s.Length < 0 || s.Duration <= 0 {
				t.Fatalf("segment %+v of %q", s, b)
			}
		}
	})
}

func FuzzParseSegments(f *testing.F) {
	b, err := os.ReadFile(filepath.Join("testdata", "segments-sha256.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"\u2028\x7f":{"\u0000":"` + strings.Repeat("0a", 32) + `"},"":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		files, err := ParseSegments(b)
		if err != nil {
			return
		}
		out := MarshalSegments(files)
		again, err := ParseSegments(out)
		if err != nil || !cmp.Equal(files, again) {
			t.Errorf("%q became %q: %v", b, out, err)
		}
	})
}
