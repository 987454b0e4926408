package ffmpeg

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestProbe(t *testing.T) {
	s := source(t, goodClip(t))
	i := s.Info
	near(t, "Duration", i.Duration, 5*time.Second, 100*time.Millisecond)
	if i.Container != mp4 || i.Streams != 2 || i.Size == 0 || i.BitRate == 0 {
		t.Errorf("Info = %+v", i)
	}
	v := i.Video
	if v == nil || v.Codec != "h264" || v.PixFmt != "yuv420p" || v.Profile != "High" || v.Width != 320 || v.Height != 180 || v.FPS != 30 || v.BitRate == 0 || v.Rotation != 0 {
		t.Errorf("Video = %+v", v)
	}
	a := i.Audio
	if a == nil || a.Codec != "aac" || a.Channels != 2 || a.Layout != "stereo" || a.SampleRate != 44100 || a.BitRate == 0 {
		t.Errorf("Audio = %+v", a)
	}
	if i.Resolution() != 180 || i.FPS() != 30 {
		t.Errorf("Resolution, FPS = %d, %d", i.Resolution(), i.FPS())
	}
	if got := strings.Join(i.Codecs(), ","); got != "avc1.64000d,mp4a.40.2" {
		t.Errorf("Codecs = %q", got)
	}
}

// TestProbeRaw: the document has the shape of PeerTube's and tells nothing of
// this machine.
func TestProbeRaw(t *testing.T) {
	s := source(t, goodClip(t))
	if strings.Contains(string(s.Info.Raw), media) {
		t.Error("Raw names the path of the file")
	}
	var doc struct {
		Format struct {
			Duration float64 `json:"duration"`
			BitRate  float64 `json:"bit_rate"`
			Name     string  `json:"format_name"`
			Tags     struct {
				Minor string `json:"minor_version"`
			} `json:"tags"`
		} `json:"format"`
		Streams []struct {
			BitRate   float64 `json:"bit_rate"`
			FrameRate string  `json:"r_frame_rate"`
			ID        string  `json:"id"`
		} `json:"streams"`
		Chapters []any `json:"chapters"`
	}
	if err := json.Unmarshal(s.Info.Raw, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Format.Duration == 0 || doc.Format.BitRate == 0 || doc.Format.Tags.Minor != "512" || doc.Chapters == nil ||
		len(doc.Streams) != 2 || doc.Streams[0].FrameRate != "30/1" || doc.Streams[0].ID != "0x1" {
		t.Errorf("Raw = %s", s.Info.Raw)
	}
}

// TestFromRaw: what was stored says the same as the tool did.
func TestFromRaw(t *testing.T) {
	want := source(t, goodClip(t)).Info
	got, err := FromRaw(want.Raw)
	if err != nil {
		t.Fatal(err)
	}
	got.Container, got.Size = want.Container, want.Size
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := FromRaw(nil); !errors.Is(err, ErrUnreadable) {
		t.Errorf("FromRaw of nothing = %v", err)
	}
}

// TestProbeLeaks: three text files named .mp4 that make ffmpeg read another
// user's file. The second look, past the sniffing, is refused by the tool's own
// lists. SEC-57, SEC-58
func TestProbeLeaks(t *testing.T) {
	canary := make(chan struct{}, 8)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			canary <- struct{}{}
			_ = c.Close()
		}
	}()
	private := clip(t, "private.ts", "-f", "lavfi", "-i", "testsrc=s=64x64:d=1")
	tests := map[string]string{
		"m3u8 local":     "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n%[1]s\n#EXT-X-ENDLIST\n",
		"m3u8 file URL":  "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://%[1]s\n#EXT-X-ENDLIST\n",
		"m3u8 network":   "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://%[2]s/a.ts\n#EXT-X-ENDLIST\n",
		"ffconcat local": "ffconcat version 1.0\nfile '%[1]s'\n",
		"ffconcat net":   "ffconcat version 1.0\nfile 'http://%[2]s/a.ts'\n",
		"DASH": `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011">` +
			`<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>http://%[2]s/x.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>`,
	}
	tl := tool(t)
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			path := write(t, "innocent.mp4", fmt.Appendf(nil, text, private, l.Addr()))
			if _, err := tl.Probe(t.Context(), path); !errors.Is(err, ErrContainer) {
				t.Errorf("Probe = %v, want ErrContainer", err)
			}
			for _, c := range []Container{mp4, matroska, mpegts, mp3} { // as if sniffing had been fooled
				out := filepath.Join(t.TempDir(), "out.mp4")
				src := Source{path, &Info{Container: c, Duration: time.Second, Video: &Video{Width: 64, Height: 64}}}
				err := tl.WebVideo(t.Context(), WebVideo{Source: src, Rendition: Rendition{CopyVideo: true, CopyAudio: true}, Out: out}, nil)
				if _, statErr := os.Stat(out); err == nil || statErr == nil {
					t.Errorf("ffmpeg as %s made a file of it (%v)", c.Name, err)
				}
			}
		})
	}
	t.Run("twin", func(t *testing.T) { // the file that the three point at is fine itself
		if _, err := tl.Probe(t.Context(), private); err != nil {
			t.Errorf("Probe = %v", err)
		}
	})
	select {
	case <-canary:
		t.Error("a tool opened a connection")
	default:
	}
}

func TestProbeBadFiles(t *testing.T) { // REL-22
	good := read(t, goodClip(t))
	moovFirst := read(t, clip(t, "faststart.mp4", append(lavfi("320x180", 30, 2), "-c:v", "libx264", "-c:a", "aac", "-movflags", "faststart")...))
	tests := map[string]struct {
		data []byte
		want error
	}{
		"empty":               {nil, ErrContainer},
		"text":                {[]byte("not a video"), ErrContainer},
		"index cut off":       {good[:len(good)/2], ErrUnreadable},
		"only the first box":  {good[:32], ErrUnreadable},
		"zeros after the box": {append(good[:32:32], make([]byte, 4096)...), ErrUnreadable},
		"no streams":          {emptyMovie(), ErrUnreadable},
		"matroska header":     {[]byte("\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska"), ErrUnreadable},
		"ogg of nothing":      {append([]byte("OggS\x00\x02"), make([]byte, 64)...), ErrUnreadable},
		"id3 of text":         {[]byte("ID3\x04\x00\x00\x00\x00\x00\x00 and then words, many words"), ErrUnreadable},
		"zip behind a box":    {append([]byte("\x00\x00\x00\x10ftypisom\x00\x00\x00\x00"), "PK\x03\x04"...), ErrUnreadable},
		"data cut off":        {moovFirst[:len(moovFirst)*2/3], nil}, // the index is there: what is left plays
		"good":                {good, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := tool(t).Probe(t.Context(), write(t, "v.mp4", tt.data))
			if !errors.Is(err, tt.want) {
				t.Errorf("Probe = %v, want %v", err, tt.want)
			}
		})
	}
}

func TestProbeNotAFile(t *testing.T) {
	if _, err := tool(t).Probe(t.Context(), t.TempDir()); !errors.Is(err, ErrContainer) {
		t.Errorf("Probe of a folder = %v", err)
	}
	if _, err := tool(t).Probe(t.Context(), "/nonexistent/v.mp4"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Probe of nothing = %v", err)
	}
}

// TestProbeShapes: what cameras, editors and browsers write.
func TestProbeShapes(t *testing.T) {
	turned := filepath.Join(t.TempDir(), "turned.mp4")
	if err := os.WriteFile(turned, turn(t, read(t, goodClip(t))), 0o600); err != nil {
		t.Fatal(err)
	}
	pipe := clip(t, "unknown-length.webm", append(lavfi("64x64", 25, 3), "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus", "-f", "webm", "-live", "1")...)
	cover := clip(t, "cover.m4a", "-f", "lavfi", "-i", "sine=d=2", "-f", "lavfi", "-i", "testsrc=s=64x64:d=1", "-map", "0", "-map", "1",
		"-c:a", "aac", "-c:v", "mjpeg", "-frames:v", "1", "-disposition:v:0", "attached_pic")
	tests := map[string]struct {
		path          string
		width, height int // 0: no video
		audio         bool
		duration      time.Duration
	}{
		"rotated":         {turned, 180, 320, true, 5 * time.Second},
		"odd sizes":       {clip(t, "odd.mkv", append(lavfi("161x121", 25, 2), "-c:v", "ffv1", "-pix_fmt", "yuv444p", "-c:a", "flac")...), 161, 121, true, 2 * time.Second},
		"no audio":        {clip(t, "silent.mp4", "-f", "lavfi", "-i", "testsrc=s=64x64:d=2", "-c:v", "libx264"), 64, 64, false, 2 * time.Second},
		"audio only":      {clip(t, "song.mp3", "-f", "lavfi", "-i", "sine=d=2"), 0, 0, true, 2 * time.Second},
		"cover picture":   {cover, 0, 0, true, 2 * time.Second},
		"wrong extension": {write(t, "film.txt", read(t, goodClip(t))), 320, 180, true, 5 * time.Second},
		"unknown length":  {pipe, 64, 64, true, 3 * time.Second},
		"webm":            {vp8Clip(t), 240, 136, true, 2 * time.Second},
		"late start":      {clip(t, "late.ts", append(lavfi("64x64", 25, 2), "-output_ts_offset", "5000", "-c:v", "libx264")...), 64, 64, true, 2 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			i := source(t, tt.path).Info
			near(t, "Duration", i.Duration, tt.duration, 200*time.Millisecond)
			if (i.Audio != nil) != tt.audio {
				t.Errorf("Audio = %+v, want it: %v", i.Audio, tt.audio)
			}
			if i.BitRate == 0 {
				t.Error("BitRate is unknown")
			}
			if tt.width == 0 {
				if i.Video != nil || i.Resolution() != 0 {
					t.Errorf("Video = %+v, want none", i.Video)
				}
				return
			}
			if i.Video == nil || i.Video.Width != tt.width || i.Video.Height != tt.height {
				t.Errorf("Video = %+v, want %dx%d", i.Video, tt.width, tt.height)
			}
		})
	}
}

func TestProbeLimits(t *testing.T) { // SEC-60
	small := tool(t)
	good := goodClip(t)
	raw := read(t, clip(t, "raw.mov", "-f", "lavfi", "-i", "testsrc=s=64x64:d=1:r=5", "-c:v", "rawvideo", "-pix_fmt", "rgb24"))
	header := func(w, h uint16) string { return write(t, "raw.mov", resize(t, raw, w, h)) }
	tests := map[string]struct {
		media Media
		path  string
		want  string // of the error, empty when accepted
	}{
		"as it is":            {DefaultMedia, good, ""},
		"side at limit":       {Media{Side: 320}, good, ""},
		"side":                {Media{Side: 319}, good, "the longer side is 320 pixels, at most 319"},
		"pixels at limit":     {Media{Pixels: 320 * 180}, good, ""},
		"pixels":              {Media{Pixels: 320*180 - 1}, good, "the picture is 57600 pixels"},
		"fps at limit":        {Media{FPS: 30}, good, ""},
		"fps":                 {Media{FPS: 29}, good, "the frame rate is 30"},
		"duration at limit":   {Media{Duration: 6 * time.Second}, good, ""},
		"duration":            {Media{Duration: 4 * time.Second}, good, "the duration is 5s, at most 4s"},
		"streams at limit":    {Media{Streams: 2}, good, ""},
		"streams":             {Media{Streams: 1}, good, "the number of streams is 2"},
		"header of 60000²":    {DefaultMedia, header(60_000, 60_000), "the longer side is 60000 pixels, at most 16384"},
		"header of 16384²":    {DefaultMedia, header(16_384, 16_384), "the picture is 268435456 pixels"},
		"header one too long": {DefaultMedia, header(16_385, 100), "the longer side is 16385 pixels"},
		"header one row over": {DefaultMedia, header(16_384, 2442), "the picture is 40009728 pixels, at most 40000000"},
		"header at limit":     {DefaultMedia, header(16_384, 2441), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			small.Media = tt.media
			_, err := small.Probe(t.Context(), tt.path)
			if tt.want == "" {
				if err != nil {
					t.Errorf("Probe = %v", err)
				}
				return
			}
			if !errors.Is(err, ErrLimits) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Probe = %v, want ErrLimits with %q", err, tt.want)
			}
		})
	}
}

// emptyMovie is an MP4 whose index names no track.
func emptyMovie() []byte {
	mvhd := append([]byte("\x00\x00\x00\x6cmvhd"), make([]byte, 100)...)
	binary.BigEndian.PutUint32(mvhd[20:], 1000) // time scale
	moov := append([]byte("\x00\x00\x00\x74moov"), mvhd...)
	return append([]byte("\x00\x00\x00\x10ftypisom\x00\x00\x00\x00"), moov...)
}

// resize writes another size into the sample entry of a raw video, for which
// no other place says it.
func resize(t *testing.T, b []byte, w, h uint16) []byte {
	t.Helper()
	i := strings.Index(string(b), "raw \x00\x00\x00\x00\x00\x00")
	if i < 0 {
		t.Fatal("no sample entry")
	}
	out := append([]byte(nil), b...)
	binary.BigEndian.PutUint16(out[i+28:], w)
	binary.BigEndian.PutUint16(out[i+30:], h)
	return out
}

// turn writes a matrix of 90 degrees into the video's track, as a telephone
// held upright does.
func turn(t *testing.T, b []byte) []byte {
	t.Helper()
	i := strings.Index(string(b), "tkhd")
	if i < 0 {
		t.Fatal("no track header")
	}
	out := append([]byte(nil), b...)
	matrix := []int32{0, 1 << 16, 0, -1 << 16, 0, 0, 180 << 16, 0, 1 << 30}
	for n, m := range matrix {
		binary.BigEndian.PutUint32(out[i+4+40+4*n:], uint32(m))
	}
	return out
}

func TestParseProbeBrokenAnswer(t *testing.T) {
	for name, doc := range map[string]string{
		"empty":        "",
		"not JSON":     "oops",
		"no streams":   `{"streams":[],"format":{}}`,
		"odd types":    `{"streams":[{"index":"x"}]}`,
		"only data":    `{"streams":[{"codec_type":"data"}]}`,
		"size of zero": `{"streams":[{"codec_type":"video","codec_name":"h264","width":0,"height":0}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseProbe([]byte(doc)); !errors.Is(err, ErrUnreadable) {
				t.Errorf("parseProbe = %v, want ErrUnreadable", err)
			}
		})
	}
}

func TestParseProbeValues(t *testing.T) {
	const doc = `{"streams":[{"codec_type":"video","codec_name":"h264","width":2,"height":4,"avg_frame_rate":%q,"r_frame_rate":"50/1",
		"side_data_list":[{"rotation":%d}]}],"format":{"duration":%q,"bit_rate":"N/A"}}`
	tests := []struct {
		rate, duration string
		rotation       int
		fps            float64
		wantDuration   time.Duration
		wantRotation   int
	}{
		{"30/1", "1.5", 0, 30, 1500 * time.Millisecond, 0},
		{"30000/1001", "1", -90, 30000.0 / 1001, time.Second, 90},
		{"0/0", "N/A", 90, 50, 0, 270},
		{"x", "-3", 180, 50, 0, 180},
		{"1/0", "NaN", -180, 50, 0, 180},
		{"25/1", "1e300", -270, 25, 0, 270},
	}
	for _, tt := range tests {
		info, err := parseProbe(fmt.Appendf(nil, doc, tt.rate, tt.rotation, tt.duration))
		if err != nil {
			t.Errorf("%+v: %v", tt, err)
			continue
		}
		if v := info.Video; v.FPS != tt.fps || info.Duration != tt.wantDuration || v.Rotation != tt.wantRotation || info.BitRate != 0 {
			t.Errorf("%+v: fps %v, duration %v, rotation %d, rate %d", tt, v.FPS, info.Duration, v.Rotation, info.BitRate)
		}
	}
}

func FuzzParseProbe(f *testing.F) {
	f.Add([]byte(`{"streams":[{"codec_type":"video","codec_name":"h264","width":2,"height":4,"avg_frame_rate":"30/1"}],"format":{"duration":"1"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if info, err := parseProbe(b); err == nil && !json.Valid(info.Raw) {
			t.Errorf("Raw = %s", info.Raw)
		}
	})
}
