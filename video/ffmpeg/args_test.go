package ffmpeg

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// goldenArgs are runs whose whole command stands in testdata/args.
func goldenArgs() map[string]Args {
	landscape := Source{"/data/in.bin", h264(1920, 1080, 30, 4_000_000)}
	portrait := Source{"/data/in.bin", h264(1080, 1920, 60, 4_000_000)}
	mute := Source{"/data/in.bin", h264(1280, 720, 25, 0)}
	mute.Info.Container, mute.Info.Audio, mute.Info.Video.Codec = webm, nil, "vp9"
	sound := Source{"/data/in.bin", &Info{Container: mp3, Duration: 90 * time.Second, Audio: &Audio{Index: 1, Codec: "mp3", Layout: "stereo", BitRate: 128_000}}}
	thumbs := []Image{{"/data/out/t.jpg", 280, 157}, {"/data/out/p.jpg", 850, 480}}
	return map[string]Args{
		"web-copy":       WebVideo{Source: landscape, Rendition: Plan(landscape.Info, 0, 60), Out: "/data/out/v.mp4"}.Args(),
		"web-480":        WebVideo{Source: landscape, Rendition: Plan(landscape.Info, 480, 60), Out: "/data/out/v.mp4", Threads: 2}.Args(),
		"web-portrait":   WebVideo{Source: portrait, Rendition: Plan(portrait.Info, 480, 60), Out: "/data/out/v.mp4"}.Args(),
		"web-mute":       WebVideo{Source: mute, Rendition: Plan(mute.Info, 0, 60), Out: "/data/out/v.mp4"}.Args(),
		"web-sound":      WebVideo{Source: sound, Rendition: Plan(sound.Info, 0, 60), Out: "/data/out/v.mp4", Still: "/data/out/still.jpg"}.Args(),
		"hls-copy":       HLS{Source: landscape, Rendition: Plan(landscape.Info, 0, 60), Dir: "/data/out", File: "u-1080-fragmented.mp4", Playlist: "u-1080.m3u8"}.Args(),
		"hls-480":        HLS{Source: landscape, Rendition: Plan(landscape.Info, 480, 60), Dir: "/data/out", File: "u-480-fragmented.mp4", Playlist: "u-480.m3u8"}.Args(),
		"thumbnail":      thumbnailArgs(landscape, 20*time.Second, thumbs),
		"thumbnail-tall": thumbnailArgs(portrait, 0, thumbs[:1]),
		"waveform":       waveformArgs(sound, Image{"/data/out/still.jpg", 850, 480}),
		"probe":          {Argv: probeArgs("/data/in.bin", mp4, DefaultMedia)},
	}
}

func TestArgsGolden(t *testing.T) {
	for name, args := range goldenArgs() {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(args.Argv, "\n") + "\n"
			path := filepath.Join("testdata", "args", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(read(t, path)), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestArgsGuarded: before every input stand the lists of SEC-58, and every
// input is an absolute path of the file protocol.
func TestArgsGuarded(t *testing.T) {
	for name, args := range goldenArgs() {
		inputs := 0
		for i, a := range args.Argv {
			if a != "-i" {
				continue
			}
			inputs++
			before := args.Argv[:i]
			if n := len(before); n < 6 || !slices.Equal(before[n-6:n-4], []string{"-protocol_whitelist", "file"}) ||
				before[n-4] != "-format_whitelist" || before[n-3] == "" || before[n-2] != "-max_pixels" {
				t.Errorf("%s: input %d is not guarded: %q", name, inputs, before)
			}
			if !strings.HasPrefix(args.Argv[i+1], "file:/") {
				t.Errorf("%s: input %q", name, args.Argv[i+1])
			}
		}
		if inputs == 0 {
			t.Errorf("%s has no input", name)
		}
		if name != "probe" && !slices.Contains(args.Argv, "-nostdin") {
			t.Errorf("%s may read the standard input", name)
		}
	}
}
