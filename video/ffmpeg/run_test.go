package ffmpeg

import (
	"context"
	"errors"
	"image"
	"image/color"
	_ "image/jpeg" // to decode what was written
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestWebVideoCopies(t *testing.T) {
	s := source(t, goodClip(t))
	r := Plan(s.Info, 0, 60)
	if !r.Copies() {
		t.Fatalf("Plan = %+v, want copies", r)
	}
	out := filepath.Join(t.TempDir(), "v.mp4")
	if err := tool(t).WebVideo(t.Context(), WebVideo{Source: s, Rendition: r, Out: out}, nil); err != nil {
		t.Fatal(err)
	}
	got := source(t, out)
	near(t, "Duration", got.Info.Duration, s.Info.Duration, 100*time.Millisecond)
	if got.Info.Video.BitRate != s.Info.Video.BitRate || got.Info.Video.Codec != "h264" || got.Info.Audio.Codec != "aac" {
		t.Errorf("Info = %+v %+v", got.Info.Video, got.Info.Audio)
	}
	data := string(read(t, out))
	if strings.Index(data, "moov") > strings.Index(data, "mdat") {
		t.Error("the index stands behind the data: players have to load everything first")
	}
	if strings.Contains(data, "secret place") {
		t.Error("the metadata of the source is in the output")
	}
	decodes(t, out)
}

func TestWebVideoEncodes(t *testing.T) {
	turned := write(t, "turned.mp4", turn(t, read(t, goodClip(t))))
	tests := map[string]struct {
		in            string
		resolution    int
		width, height int
		fps           int
	}{
		"webm":         {vp8Clip(t), 0, 240, 136, 25},
		"lower":        {goodClip(t), 144, 256, 144, 30},
		"rotated":      {turned, 144, 144, 256, 30},
		"odd sizes":    {clip(t, "odd.mkv", append(lavfi("161x121", 25, 2), "-c:v", "ffv1", "-pix_fmt", "yuv444p", "-c:a", "flac")...), 0, 160, 120, 25},
		"10 bit":       {clip(t, "ten.mkv", append(lavfi("128x72", 25, 2), "-c:v", "ffv1", "-pix_fmt", "yuv420p10le", "-c:a", "mp2")...), 0, 128, 72, 25},
		"60 fps":       {clip(t, "fast.mp4", append(lavfi("128x72", 120, 2), "-c:v", "libx264", "-c:a", "aac")...), 0, 128, 72, 60},
		"two pixels":   {clip(t, "dot.avi", "-f", "lavfi", "-i", "testsrc=s=2x2:r=5:d=1", "-c:v", "rawvideo", "-pix_fmt", "bgr24"), 0, 2, 2, 5},
		"late start":   {clip(t, "late.ts", append(lavfi("64x64", 25, 2), "-output_ts_offset", "5000", "-c:v", "libx264")...), 0, 64, 64, 25},
		"without mute": {clip(t, "silent.mkv", "-f", "lavfi", "-i", "testsrc=s=64x64:d=1", "-c:v", "mpeg4"), 0, 64, 64, 25},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := source(t, tt.in)
			out := filepath.Join(t.TempDir(), "v.mp4")
			r := Plan(s.Info, tt.resolution, 60)
			if err := tool(t).WebVideo(t.Context(), WebVideo{Source: s, Rendition: r, Out: out}, nil); err != nil {
				t.Fatal(err)
			}
			got := source(t, out).Info
			v := got.Video
			if v.Width != tt.width || v.Height != tt.height || got.FPS() != tt.fps || v.Codec != "h264" || v.PixFmt != "yuv420p" || v.Rotation != 0 {
				t.Errorf("Video = %+v, want %dx%d at %d", v, tt.width, tt.height, tt.fps)
			}
			if (got.Audio != nil) != (s.Info.Audio != nil) {
				t.Errorf("Audio = %+v, source had %+v", got.Audio, s.Info.Audio)
			}
			if a := got.Audio; a != nil && (a.Codec != "aac" || a.Channels > 2) {
				t.Errorf("Audio = %+v", a)
			}
			near(t, "Duration", got.Duration, s.Info.Duration, 250*time.Millisecond)
			// What we made is never encoded a second time, unless its size is odd
			// beyond measure.
			if p := Plan(got, 0, 60); !p.CopyVideo && v.Width > 2 {
				t.Errorf("Plan of the output = %+v", p)
			}
			decodes(t, out)
		})
	}
}

// TestWebVideoOfSound: a song becomes a video with one picture.
func TestWebVideoOfSound(t *testing.T) {
	s := source(t, clip(t, "song.mp3", "-f", "lavfi", "-i", "sine=d=2"))
	dir := t.TempDir()
	still := filepath.Join(dir, "still.jpg")
	if err := tool(t).Waveform(t.Context(), s, Image{still, 320, 180}); err != nil {
		t.Fatal(err)
	}
	if im := picture(t, still); im.Bounds().Dx() != 320 || im.Bounds().Dy() != 180 {
		t.Errorf("Waveform = %v", im.Bounds())
	}
	out := filepath.Join(dir, "v.mp4")
	if err := tool(t).WebVideo(t.Context(), WebVideo{Source: s, Rendition: Plan(s.Info, 0, 60), Out: out, Still: still}, nil); err != nil {
		t.Fatal(err)
	}
	got := source(t, out).Info
	near(t, "Duration", got.Duration, 2*time.Second, 300*time.Millisecond)
	if got.Video == nil || got.Video.Width != 320 || got.Video.Height != 180 || got.Video.PixFmt != "yuv420p" || got.Audio == nil || got.Audio.Codec != "aac" {
		t.Errorf("Video = %+v, Audio = %+v", got.Video, got.Audio)
	}
	decodes(t, out)
}

func TestHLS(t *testing.T) {
	for name, resolution := range map[string]int{"copied": 0, "lower": 144} {
		t.Run(name, func(t *testing.T) {
			s := source(t, goodClip(t))
			dir := t.TempDir()
			h := HLS{Source: s, Rendition: Plan(s.Info, resolution, 60), Dir: dir, File: "u-1-fragmented.mp4", Playlist: "u-1.m3u8"}
			if err := tool(t).HLS(t.Context(), h, nil); err != nil {
				t.Fatal(err)
			}
			list := string(read(t, filepath.Join(dir, h.Playlist)))
			for _, want := range []string{
				"#EXT-X-PLAYLIST-TYPE:VOD", `#EXT-X-MAP:URI="u-1-fragmented.mp4",BYTERANGE="`, "#EXT-X-TARGETDURATION:4\n",
				"#EXTINF:4.000000,\n", "#EXT-X-BYTERANGE:", "#EXT-X-ENDLIST",
			} {
				if !strings.Contains(list, want) {
					t.Errorf("%q is not in %s", want, list)
				}
			}
			if strings.Count(list, "#EXTINF") != 2 { // 5 s in pieces of 4
				t.Errorf("playlist = %s", list)
			}
			files, _ := os.ReadDir(dir)
			if len(files) != 2 {
				t.Errorf("folder holds %v", files)
			}
			info := source(t, filepath.Join(dir, h.File)).Info
			near(t, "Duration", info.Duration, s.Info.Duration, 200*time.Millisecond)
			decodes(t, filepath.Join(dir, h.File))
			decodes(t, filepath.Join(dir, h.Playlist))
		})
	}
}

func TestThumbnail(t *testing.T) {
	// Black, then red: the picture is not taken from the very beginning.
	red := clip(t, "red.mp4", "-f", "lavfi", "-i", "color=black:s=320x180:d=1", "-f", "lavfi", "-i", "color=red:s=320x180:d=5",
		"-filter_complex", "[0][1]concat", "-c:v", "libx264", "-pix_fmt", "yuv420p")
	tall := clip(t, "tall.mp4", "-f", "lavfi", "-i", "color=red:s=90x160:d=1", "-c:v", "libx264", "-pix_fmt", "yuv420p")
	broken := read(t, clip(t, "faststart.mp4", append(lavfi("320x180", 30, 2), "-c:v", "libx264", "-c:a", "aac", "-movflags", "faststart")...))
	isRed := func(c color.Color) bool { r, g, b, _ := c.RGBA(); return r > 0xc000 && g < 0x4000 && b < 0x4000 }
	tests := map[string]struct {
		path        string
		centre, rim func(color.Color) bool
	}{
		"landscape": {red, isRed, isRed},
		"portrait":  {tall, isRed, func(c color.Color) bool { r, _, _, _ := c.RGBA(); return r > 0x2000 && r < 0xb000 }}, // darkened
		"truncated": {write(t, "cut.mp4", broken[:len(broken)/4]), nil, nil},
		"one frame": {clip(t, "frame.mp4", "-f", "lavfi", "-i", "color=red:s=320x180:r=1:d=1", "-c:v", "libx264"), isRed, isRed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			small, large := Image{filepath.Join(dir, "s.jpg"), 280, 157}, Image{filepath.Join(dir, "l.jpg"), 850, 480}
			if err := tool(t).Thumbnail(t.Context(), source(t, tt.path), small, large); err != nil {
				t.Fatal(err)
			}
			for _, m := range []Image{small, large} {
				im := picture(t, m.Path)
				if im.Bounds() != image.Rect(0, 0, m.Width, m.Height) {
					t.Errorf("size = %v, want %dx%d", im.Bounds(), m.Width, m.Height)
				}
				if c := im.At(m.Width/2, m.Height/2); tt.centre != nil && !tt.centre(c) {
					t.Errorf("centre = %v", c)
				}
				if c := im.At(5, m.Height/2); tt.rim != nil && !tt.rim(c) {
					t.Errorf("rim = %v", c)
				}
			}
		})
	}
	song := source(t, clip(t, "song.mp3", "-f", "lavfi", "-i", "sine=d=2"))
	if err := tool(t).Thumbnail(t.Context(), song, Image{"/nonexistent/x.jpg", 1, 1}); !errors.Is(err, ErrNoPicture) {
		t.Errorf("Thumbnail of a song = %v", err)
	}
	silent := source(t, clip(t, "silent.mp4", "-f", "lavfi", "-i", "testsrc=s=64x64:d=2", "-c:v", "libx264"))
	if err := tool(t).Waveform(t.Context(), silent, Image{"/nonexistent/x.jpg", 1, 1}); !errors.Is(err, ErrNoPicture) {
		t.Errorf("Waveform of silence = %v", err)
	}
	if err := tool(t).Thumbnail(t.Context(), silent); err != nil {
		t.Errorf("Thumbnail without a size = %v", err)
	}
}

func picture(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	im, kind, err := image.Decode(f)
	if err != nil || kind != "jpeg" {
		t.Fatalf("decode %s: %s, %v", filepath.Base(path), kind, err)
	}
	return im
}

func TestRunReportsProgress(t *testing.T) {
	s := source(t, clip(t, "longer.mp4", append(lavfi("320x180", 30, 6), "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")...))
	r := Plan(s.Info, 144, 60)
	w := WebVideo{Source: s, Rendition: r, Out: filepath.Join(t.TempDir(), "v.mp4"), Threads: 1}
	a := w.Args()
	for i := range a.Argv {
		if a.Argv[i] == "-stats_period" { // more reports than a real run needs
			a.Argv[i+1] = "0.02"
		}
	}
	var got []float64
	if err := tool(t).Run(t.Context(), a, func(p float64) { got = append(got, p) }); err != nil {
		t.Fatal(err)
	}
	if len(got) < 3 || got[len(got)-1] != 100 {
		t.Errorf("progress = %v, want several up to 100", got)
	}
	for i := 1; i < len(got); i++ {
		if got[i] <= got[i-1] {
			t.Errorf("progress goes back: %v", got)
		}
	}
}

// TestRunCancelled: half an output is no output.
func TestRunCancelled(t *testing.T) {
	s := source(t, goodClip(t))
	ctx, cancel := context.WithCancel(t.Context())
	tl := tool(t)
	out := filepath.Join(t.TempDir(), "v.mp4")
	w := WebVideo{Source: s, Rendition: Plan(s.Info, 144, 60), Out: out}
	if err := tl.convert(ctx, realtime(w.Args()), func(p float64) { cancel() }, out); !errors.Is(err, context.Canceled) {
		t.Errorf("convert = %v, want context.Canceled", err)
	}
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an output was left: %v", err)
	}
}

// realtime slows a run down to the speed of its input.
func realtime(a Args) Args {
	a.Argv = append([]string{"-re"}, a.Argv...)
	return a
}

func TestConvertFails(t *testing.T) {
	s := source(t, goodClip(t))
	tl := tool(t)
	out := filepath.Join(t.TempDir(), "v.mp4")
	bad := s
	bad.Path = write(t, "gone.mp4", []byte("not a video any more"))
	err := tl.WebVideo(t.Context(), WebVideo{Source: bad, Rendition: Plan(s.Info, 0, 60), Out: out}, nil)
	var te *ToolError
	if !errors.As(err, &te) || te.Stderr == "" {
		t.Errorf("WebVideo = %v, want a ToolError with a reason", err)
	}
	tl.Limits.FileSize = 10_000
	err = tl.WebVideo(t.Context(), WebVideo{Source: s, Rendition: Plan(s.Info, 0, 60), Out: out}, nil)
	if err == nil {
		t.Error("WebVideo wrote past its limit")
	}
	// What ends well may still have complained at the end.
	for messages, want := range map[string]error{
		"av_interleaved_write_frame(): No space left on device\n": syscall.ENOSPC,
		"Error writing trailer of x: Disk quota exceeded\n":       syscall.EDQUOT,
		"Error writing trailer of x: File too large\n":            syscall.EFBIG,
		"[h264 @ 0x1] error while decoding MB 3 4\n":              nil,
	} {
		if got := writeError(nil, messages); !errors.Is(got, want) {
			t.Errorf("writeError(%q) = %v, want %v", messages, got, want)
		}
	}
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an output was left: %v", err)
	}
}

func TestProgressLines(t *testing.T) {
	var got []float64
	p := &progress{duration: 10 * time.Second, report: func(f float64) { got = append(got, f) }}
	for _, s := range []string{
		"frame=1\nout_time_us=N/A\nout_ti", "me_us=1000000\nprogress=continue\n", "out_time_us=500000\n",
		"out_time_us=-9\nout_time_us=x\n", "out_time_us=9223372036854775807\n", strings.Repeat("z", 3*maxProgressLine), "\nout_time_us=20000000\n", "progress=end\n",
	} {
		if n, err := p.Write([]byte(s)); n != len(s) || err != nil {
			t.Errorf("Write = %d, %v", n, err)
		}
	}
	if len(got) != 2 || got[0] != 10 || got[1] != 100 || p.at != 20*time.Second {
		t.Errorf("progress = %v, at %v", got, p.at)
	}
}
