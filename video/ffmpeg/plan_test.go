package ffmpeg

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// h264 is the Info of a file that needs no encoding.
func h264(w, h int, fps float64, rate int64) *Info {
	return &Info{
		Container: mp4, Duration: time.Minute, BitRate: rate,
		Video: &Video{Codec: "h264", PixFmt: "yuv420p", Profile: "High", Width: w, Height: h, FPS: fps, BitRate: rate},
		Audio: &Audio{Index: 1, Codec: "aac", Layout: "stereo", Channels: 2, BitRate: 128_000},
	}
}

func TestPlan(t *testing.T) {
	with := func(change func(*Info)) *Info {
		i := h264(1280, 720, 30, 2_000_000)
		change(i)
		return i
	}
	tests := map[string]struct {
		in                   *Info
		resolution, maxFPS   int
		copyVideo, copyAudio bool
		want                 Rendition // without the copies, when not zero
	}{
		"copies":             {with(func(*Info) {}), 720, 60, true, true, Rendition{}},
		"own by default":     {with(func(*Info) {}), 0, 60, true, true, Rendition{}},
		"never larger":       {with(func(*Info) {}), 1080, 60, true, true, Rendition{Resolution: 720, GOP: 60, Rate: 2_600_000, AudioRate: 256_000}},
		"lower":              {with(func(*Info) {}), 480, 60, false, true, Rendition{Resolution: 480, GOP: 60, Rate: 1_474_560, AudioRate: 256_000}},
		"10 bit":             {with(func(i *Info) { i.Video.PixFmt = "yuv420p10le" }), 720, 60, false, true, Rendition{}},
		"4:4:4":              {with(func(i *Info) { i.Video.PixFmt = "yuv444p" }), 720, 60, false, true, Rendition{}},
		"full range":         {with(func(i *Info) { i.Video.PixFmt = "yuvj420p" }), 720, 60, false, true, Rendition{}},
		"hevc":               {with(func(i *Info) { i.Video.Codec = "hevc" }), 720, 60, false, true, Rendition{}},
		"too fast":           {with(func(i *Info) { i.Video.FPS = 120 }), 720, 60, false, true, Rendition{Resolution: 720, FPS: 60, GOP: 120, Rate: 2_600_000, AudioRate: 256_000}},
		"rate at the limit":  {with(func(i *Info) { i.Video.BitRate = 5_253_120 }), 720, 60, true, true, Rendition{}},
		"rate above":         {with(func(i *Info) { i.Video.BitRate = 5_253_121 }), 720, 60, false, true, Rendition{}},
		"rate unknown":       {with(func(i *Info) { i.Video.BitRate, i.BitRate = 0, 0 }), 720, 60, false, true, Rendition{Resolution: 720, GOP: 60, Rate: 3_041_280, AudioRate: 256_000}},
		"no audio":           {with(func(i *Info) { i.Audio = nil }), 720, 60, true, true, Rendition{}},
		"opus":               {with(func(i *Info) { i.Audio.Codec = "opus" }), 720, 60, true, false, Rendition{}},
		"aac of 400k":        {with(func(i *Info) { i.Audio.BitRate = 400_000 }), 720, 60, true, false, Rendition{Resolution: 720, GOP: 60, Rate: 2_600_000, AudioRate: 384_000}},
		"aac unknown rate":   {with(func(i *Info) { i.Audio.BitRate = 0 }), 720, 60, true, false, Rendition{}},
		"aac unknown layout": {with(func(i *Info) { i.Audio.Layout = "" }), 720, 60, true, false, Rendition{}},
		"mp3 of 128k":        {with(func(i *Info) { i.Audio.Codec = "mp3" }), 720, 60, true, false, Rendition{Resolution: 720, GOP: 60, Rate: 2_600_000, AudioRate: 128_000}},
		"portrait":           {h264(720, 1280, 30, 2_000_000), 360, 60, false, true, Rendition{Resolution: 360, GOP: 60, Rate: 1_036_800, AudioRate: 256_000}},
		"odd size":           {with(func(i *Info) { i.Video.Width, i.Video.Height, i.Video.Codec = 161, 121, "ffv1" }), 0, 60, false, true, Rendition{Resolution: 120, GOP: 60, Rate: 111_041, AudioRate: 256_000}},
		"poor source":        {with(func(i *Info) { i.Video.Codec, i.BitRate = "vp8", 1000 }), 720, 60, false, true, Rendition{Resolution: 720, GOP: 60, Rate: 552_960, AudioRate: 256_000}},
		"only sound":         {with(func(i *Info) { i.Video = nil }), 720, 60, true, true, Rendition{AudioRate: 256_000}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := Plan(tt.in, tt.resolution, tt.maxFPS)
			if got.CopyVideo != tt.copyVideo || got.CopyAudio != tt.copyAudio || got.Copies() != (tt.copyVideo && tt.copyAudio) {
				t.Errorf("Plan = %+v, want copies %v, %v", got, tt.copyVideo, tt.copyAudio)
			}
			if tt.want == (Rendition{}) {
				return
			}
			tt.want.CopyVideo, tt.want.CopyAudio = tt.copyVideo, tt.copyAudio
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestBitrate: values computed by hand from the formula
// floor(res x res x ratio x fps x bits), bounded by the input and the least.
func TestBitrate(t *testing.T) {
	tests := []struct {
		w, h, resolution, fps int
		input, want           int64
	}{
		{3840, 2160, 2160, 30, 0, 19_906_560}, // 3840*2160*30*.08
		{3840, 2160, 1440, 30, 0, 9_953_280},  // 2560*1440*30*.09
		{1920, 1080, 1080, 60, 0, 12_441_600}, // 1920*1080*60*.10
		{1920, 1080, 1080, 30, 0, 6_220_800},
		{1920, 1080, 720, 30, 0, 3_041_280},
		{1920, 1080, 480, 30, 0, 1_474_560},
		{1920, 1080, 360, 30, 0, 1_036_800},
		{1920, 1080, 240, 30, 0, 522_240},
		{1920, 1080, 144, 30, 0, 210_124},
		{1080, 1920, 720, 30, 0, 3_041_280},         // portrait is the same picture
		{1920, 1080, 720, 30, 1_000_000, 1_300_000}, // 1.3 times the input
		{1920, 1080, 720, 30, 10, 552_960},          // 1280*720*30*.02
		{1920, 1080, 720, 30, 100_000_000, 3_041_280},
		{640, 640, 640, 25, 0, 1_228_800}, // between the steps: the lower one's bits
		{80, 60, 60, 25, 0, 22_800},       // below all steps
	}
	for _, tt := range tests {
		in := h264(tt.w, tt.h, float64(tt.fps), tt.input)
		got := Bitrate(in, tt.resolution, tt.fps)
		if d := got - tt.want; d < -1 || d > 1 { // 16/9 has no exact form
			t.Errorf("Bitrate(%dx%d, %d, %d fps, %d) = %d, want %d", tt.w, tt.h, tt.resolution, tt.fps, tt.input, got, tt.want)
		}
	}
}

func TestMaxBitrate(t *testing.T) {
	for res, want := range map[int]int64{2160: 34_836_480, 1440: 17_694_720, 1080: 10_575_360, 720: 5_253_120, 480: 2_334_720} {
		got := MaxBitrate(res, 16.0/9, 30)
		if res == 480 { // 853.3 x 480
			want = 2_334_720 * 22 / 19
		}
		if d := got - want; d < -want/50 || d > want/50 {
			t.Errorf("MaxBitrate(%d) = %d, want about %d", res, got, want)
		}
	}
}

func TestOutputFPS(t *testing.T) {
	tests := []struct {
		input, resolution int
		own               bool
		max, want         int
	}{
		{30, 480, false, 60, 30},
		{25, 480, false, 60, 25},
		{60, 720, false, 60, 60}, // large ones keep it
		{60, 480, true, 60, 60},  // so does the original
		{60, 480, false, 60, 30},
		{50, 480, false, 60, 25},
		{48, 480, false, 60, 24},
		{59, 480, false, 60, 25}, // remainder 9 against 29 and 11
		{120, 1080, true, 60, 60},
		{100, 1080, true, 60, 50},
		{60, 1080, true, 30, 30},
		{120, 1080, true, 0, 120}, // no limit set
		{1, 480, false, 60, 1},
		{0, 480, false, 60, 25}, // unknown
	}
	for _, tt := range tests {
		if got := OutputFPS(tt.input, tt.resolution, tt.own, tt.max); got != tt.want {
			t.Errorf("OutputFPS(%d, %d, %v, %d) = %d, want %d", tt.input, tt.resolution, tt.own, tt.max, got, tt.want)
		}
	}
}

func TestLower(t *testing.T) {
	all := []int{2160, 1440, 1080, 720, 480, 360, 240, 144, 0}
	tests := map[string]struct {
		in      *Info
		enabled []int
		want    []int
	}{
		"order of the jobs": {h264(3840, 2160, 30, 0), all, []int{480, 360, 720, 240, 144, 1080, 1440}},
		"only the enabled":  {h264(1920, 1080, 30, 0), []int{720, 240}, []int{720, 240}},
		"strictly lower":    {h264(1280, 720, 30, 0), []int{720, 1080}, nil},
		"portrait":          {h264(720, 1280, 30, 0), all, []int{480, 360, 240, 144}},
		"tiny":              {h264(64, 64, 30, 0), all, nil},
		"no video":          {&Info{Audio: &Audio{}}, all, nil},
		"none enabled":      {h264(1280, 720, 30, 0), nil, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Lower(tt.in, tt.enabled)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCodecs(t *testing.T) {
	tests := []struct {
		video *Video
		audio *Audio
		want  []string
	}{
		// The first two stand in PeerTube's master playlist of the fixtures.
		{&Video{Codec: "h264", Profile: "High", Level: 21}, &Audio{Codec: "aac", Profile: "LC"}, []string{"avc1.640015", "mp4a.40.2"}},
		{&Video{Codec: "h264", Profile: "High", Level: 31}, nil, []string{"avc1.64001f"}},
		{&Video{Codec: "h264", Profile: "Main", Level: 30}, nil, []string{"avc1.4D401e"}},
		{&Video{Codec: "h264", Profile: "Constrained Baseline", Level: 30}, nil, []string{"avc1.42E01e"}},
		{&Video{Codec: "h264", Profile: "High 10", Level: 40}, nil, []string{"avc1.640028"}},
		{&Video{Codec: "vp9"}, &Audio{Codec: "opus"}, []string{"vp09.00.50.08", "opus"}},
		{&Video{Codec: "av1"}, &Audio{Codec: "flac"}, []string{"av01.0.08M.08", "flac"}},
		{&Video{Codec: "hevc", Level: 93}, &Audio{Codec: "mp3"}, []string{"hvc1.1.6.L93.90", "mp4a.40.34"}},
		{nil, &Audio{Codec: "aac", Profile: "HE-AACv2"}, []string{"mp4a.40.5"}},
		{&Video{Codec: "theora"}, &Audio{Codec: "vorbis"}, nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, (&Info{Video: tt.video, Audio: tt.audio}).Codecs()); diff != "" {
			t.Errorf("%+v %+v: %s", tt.video, tt.audio, diff)
		}
	}
}

func TestPlays(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Info)
		want   bool
	}{
		"as it is":     {func(*Info) {}, true},
		"at any rate":  {func(i *Info) { i.Video.BitRate, i.Audio.BitRate = 90_000_000, 500_000 }, true},
		"mute":         {func(i *Info) { i.Audio = nil }, true},
		"sound alone":  {func(i *Info) { i.Video = nil }, false},
		"other codec":  {func(i *Info) { i.Video.Codec = "vp9" }, false},
		"10 bit":       {func(i *Info) { i.Video.PixFmt = "yuv420p10le" }, false},
		"other sound":  {func(i *Info) { i.Audio.Codec = "opus" }, false},
		"quick frames": {func(i *Info) { i.Video.FPS = 240 }, true},
	} {
		in := h264(1280, 720, 30, 2_000_000)
		tt.change(in)
		if got := Plays(in); got != tt.want {
			t.Errorf("%s: Plays = %v", name, got)
		}
	}
}
