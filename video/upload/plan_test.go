package upload

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
)

func videoInfo(width, height int, fps float64) *ffmpeg.Info {
	return &ffmpeg.Info{
		Duration: time.Minute, BitRate: 1_000_000, Size: 7_500_000,
		Video: &ffmpeg.Video{Codec: "h264", PixFmt: "yuv420p", Width: width, Height: height, FPS: fps, BitRate: 900_000},
		Audio: &ffmpeg.Audio{Codec: "aac", Layout: "stereo", BitRate: 96_000, Channels: 2},
	}
}

func TestPlan(t *testing.T) {
	audio := &ffmpeg.Info{Duration: time.Minute, Audio: &ffmpeg.Audio{Codec: "flac", Channels: 2}}
	vp9 := videoInfo(1280, 720, 30)
	vp9.Video.Codec = "vp9"
	for _, c := range []struct {
		name   string
		info   *ffmpeg.Info
		change func(*config.Transcoding)
		want   []string // kind resolution fps, * for required
	}{
		{"as the settings come", videoInfo(1920, 1080, 30), nil, []string{
			"web 1080 30*", "hls 1080 30", "web 480 30", "hls 480 30", "web 720 30", "hls 720 30",
		}},
		{"portrait", videoInfo(720, 1280, 30), nil, []string{"web 720 30*", "hls 720 30", "web 480 30", "hls 480 30"}},
		{"small", videoInfo(320, 180, 25), nil, []string{"web 180 25*", "hls 180 25"}},
		{"fast", videoInfo(1280, 720, 60), nil, []string{"web 720 60*", "hls 720 60", "web 480 30", "hls 480 30"}},
		{"not the original", videoInfo(1920, 1080, 30), func(t *config.Transcoding) { t.AlwaysTranscodeOriginalResolution = false }, []string{
			"web 720 30*", "hls 720 30", "web 480 30", "hls 480 30",
		}},
		{"not the original, but nothing below", videoInfo(320, 180, 30), func(t *config.Transcoding) { t.AlwaysTranscodeOriginalResolution = false }, []string{
			"web 180 30*", "hls 180 30",
		}},
		{"not the original, which is enabled", videoInfo(1280, 720, 30), func(t *config.Transcoding) { t.AlwaysTranscodeOriginalResolution = false }, []string{
			"web 720 30*", "hls 720 30", "web 480 30", "hls 480 30",
		}},
		{"HLS alone", videoInfo(1280, 720, 30), func(t *config.Transcoding) { t.WebVideos.Enabled = false }, []string{"hls 720 30*", "hls 480 30"}},
		{"web alone", videoInfo(1280, 720, 30), func(t *config.Transcoding) { t.HLS.Enabled = false }, []string{"web 720 30*", "web 480 30"}},
		{"neither", videoInfo(1280, 720, 30), func(t *config.Transcoding) { t.HLS.Enabled, t.WebVideos.Enabled = false, false }, []string{"web 720 30*", "web 480 30"}},
		{"no lower ones", videoInfo(1280, 720, 30), func(t *config.Transcoding) { t.Resolutions = config.Resolutions{R0: true} }, []string{"web 720 30*", "hls 720 30"}},
		{"sound", audio, nil, []string{"web 0 0*", "hls 0 0"}},
		{"no transcoding, copied", videoInfo(1280, 720, 30), func(t *config.Transcoding) { t.Enabled = false }, []string{"web 720 30*", "hls 720 30"}},
		{"no transcoding, not playable", vp9, func(t *config.Transcoding) { t.Enabled = false }, nil},
		{"no transcoding, sound", audio, func(t *config.Transcoding) { t.Enabled = false }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			settings := config.Default().Transcoding
			if c.change != nil {
				c.change(&settings)
			}
			rows, err := plan(c.info, settings)
			if (err != nil) != (c.want == nil) {
				t.Fatalf("error %v", err)
			}
			var got []string
			for _, r := range rows {
				s := fmt.Sprintf("%s %d %d", r.Kind, r.Resolution, r.FPS)
				if r.Required {
					s += "*"
				}
				got = append(got, s)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}
