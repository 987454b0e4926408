package ffmpeg

import (
	"math"
	"slices"
)

// Resolutions in the order in which renditions are made: what most viewers want
// first, as PeerTube orders them.
var Resolutions = []int{480, 360, 720, 240, 144, 1080, 1440, 2160}

const (
	// keepFPSFrom is the resolution from which a high frame rate is kept.
	keepFPSFrom = 720
	// averageFPS is what lower renditions get at most.
	averageFPS = 30
	// unknownFPS stands in where a file does not say.
	unknownFPS = 25
	// copyAudioBelow: AAC up to this rate is taken over as it is.
	copyAudioBelow = 384_000
	// inputFactor: a rendition never gets more bits than this times its source.
	inputFactor = 1.3
)

// bitsPerPixel of H.264, by resolution.
type bitsPerPixel struct {
	resolution int
	avg, max   float64
}

var bpp = []bitsPerPixel{ // highest first
	{2160, .08, .14},
	{1440, .09, .16},
	{1080, .10, .17},
	{720, .11, .19},
	{480, .12, .22},
	{360, .15, .26},
	{240, .17, .29},
	{144, .19, .32},
}

// minBPP is the least that still looks like the picture.
const minBPP = .02

// Rendition says how one output is made of one input.
type Rendition struct {
	Resolution int   // short side in pixels, even; 0 without video
	FPS        int   // 0: as in the input
	GOP        int   // pictures between key frames
	Rate       int64 // video bits a second, at most
	CopyVideo  bool
	CopyAudio  bool
	AudioRate  int64 // bits a second when encoded
}

// Copies tells whether nothing is encoded.
func (r Rendition) Copies() bool { return r.CopyVideo && r.CopyAudio }

// Plan decides how to make a rendition of the given resolution from in; maxFPS
// is the setting transcoding.fps.max. A resolution of 0, or above the input's,
// means the input's own. Streams are copied when a browser plays them as they
// are, and in the input's own resolution only.
func Plan(in *Info, resolution, maxFPS int) Rendition {
	r := Rendition{CopyVideo: true, CopyAudio: true}
	if in.Audio != nil {
		r.CopyAudio = canCopyAudio(in.Audio)
		r.AudioRate = audioRate(in.Audio)
	}
	if in.Video == nil {
		return r
	}
	own := in.Resolution()
	if resolution <= 0 || resolution > own {
		resolution = own
	}
	fps := OutputFPS(in.FPS(), resolution, resolution == own, maxFPS)
	r.CopyVideo = resolution == own && canCopyVideo(in, maxFPS)
	r.Resolution = max(2, resolution&^1)
	r.GOP = 2 * fps
	r.Rate = Bitrate(in, resolution, fps)
	if fps != in.FPS() {
		r.FPS = fps
	}
	return r
}

// Lower gives the resolutions of enabled that are below the input's, in the
// order in which they should be made.
func Lower(in *Info, enabled []int) []int {
	var out []int
	for _, r := range Resolutions {
		if r < in.Resolution() && slices.Contains(enabled, r) {
			out = append(out, r)
		}
	}
	return out
}

// Plays tells whether browsers play the streams as they are, whatever their
// rates: 8-bit 4:2:0 H.264 and AAC.
func Plays(in *Info) bool {
	return in.Video != nil && playsVideo(in.Video) && (in.Audio == nil || in.Audio.Codec == "aac")
}

func playsVideo(v *Video) bool { return v.Codec == "h264" && v.PixFmt == "yuv420p" }

// canCopyVideo: 8-bit 4:2:0 H.264 at a sane rate plays everywhere.
func canCopyVideo(in *Info, maxFPS int) bool {
	v := in.Video
	if !playsVideo(v) {
		return false
	}
	fps := in.FPS()
	if fps < 1 || maxFPS > 0 && fps > maxFPS {
		return false
	}
	rate := v.BitRate
	if rate == 0 {
		rate = in.BitRate
	}
	return rate > 0 && rate <= MaxBitrate(in.Resolution(), in.Ratio(), fps)
}

func canCopyAudio(a *Audio) bool {
	return a.Codec == "aac" && a.Layout != "" && a.Layout != "quad" && a.BitRate > 0 && a.BitRate <= copyAudioBelow
}

// audioRate of the AAC that replaces a.
func audioRate(a *Audio) int64 {
	switch {
	case a.Codec == "mp3" && a.BitRate > 0 && a.BitRate <= 192_000:
		return 128_000
	case a.Codec == "mp3" && a.BitRate > 384_000, a.Codec == "aac" && a.BitRate > copyAudioBelow:
		return 384_000
	}
	return 256_000
}

// Bitrate is the highest video rate of a rendition: the average of its size and
// frame rate, but not more than 1.3 times the input's, nor less than what is
// still watchable.
func Bitrate(in *Info, resolution, fps int) int64 {
	target := pixelRate(step(resolution).avg, resolution, in.Ratio(), fps)
	if rate := in.BitRate; rate > 0 {
		target = min(target, int64(float64(rate)*inputFactor))
	}
	return max(pixelRate(minBPP, resolution, in.Ratio(), fps), target)
}

// MaxBitrate is the rate up to which a file is taken over without encoding.
func MaxBitrate(resolution int, ratio float64, fps int) int64 {
	return pixelRate(step(resolution).max, resolution, ratio, fps)
}

func step(resolution int) bitsPerPixel {
	for _, s := range bpp {
		if resolution >= s.resolution {
			return s
		}
	}
	return bpp[len(bpp)-1]
}

func pixelRate(bits float64, resolution int, ratio float64, fps int) int64 {
	if ratio > 0 && ratio < 1 {
		ratio = 1 / ratio
	}
	return int64(math.Floor(float64(resolution) * float64(resolution) * ratio * float64(fps) * bits))
}

// OutputFPS is the frame rate of a rendition. Small ones of fast inputs go down
// to the standard rate that divides best; nothing goes above maxFPS, unless that
// is 0.
func OutputFPS(input, resolution int, own bool, maxFPS int) int {
	fps := input
	if fps <= 0 {
		fps = unknownFPS
	}
	if resolution < keepFPSFrom && !own && fps > averageFPS {
		fps = bestDivisor(fps, []int{30, 25, 24})
	}
	if maxFPS > 0 && fps > maxFPS {
		fps = min(maxFPS, bestDivisor(fps, []int{50, 60, maxFPS}))
	}
	return max(1, fps)
}

// bestDivisor picks the rate that leaves the smallest remainder, the first of
// equals.
func bestDivisor(fps int, rates []int) int {
	return slices.MinFunc(rates, func(a, b int) int { return fps%a - fps%b })
}
