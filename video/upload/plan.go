package upload

import (
	"slices"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
)

// plan decides which renditions a video gets, in the order in which they are
// made: the highest as a file for the web, which publication waits for, the
// same as HLS, then the lower resolutions.
func plan(info *ffmpeg.Info, t config.Transcoding) ([]catalog.Rendition, error) {
	kinds := make([]string, 0, 2)
	if t.WebVideos.Enabled || !t.HLS.Enabled {
		kinds = append(kinds, catalog.KindWeb)
	}
	if t.HLS.Enabled {
		kinds = append(kinds, catalog.KindHLS)
	}
	top, lower := info.Resolution(), []int(nil)
	if t.Enabled {
		top, lower = resolutions(info, t)
	} else if !ffmpeg.Plays(info) {
		return nil, fileError{unreadable("This server does not transcode: only MP4 files with H.264 and AAC can be published.")}
	}
	var out []catalog.Rendition
	for _, res := range append([]int{top}, lower...) {
		for i, kind := range kinds {
			r := catalog.Rendition{Kind: kind, Resolution: res, Required: res == top && i == 0}
			if info.Video != nil {
				r.FPS = ffmpeg.OutputFPS(info.FPS(), res, res == info.Resolution(), t.FPS.Max)
			}
			out = append(out, r)
		}
	}
	return out, nil
}

// Plan decides which renditions of one kind are made of a file.
func (u *Upload) Plan(info *ffmpeg.Info, kind string) ([]catalog.Rendition, error) {
	t := u.o.Transcoding()
	t.WebVideos.Enabled, t.HLS.Enabled = kind == catalog.KindWeb, kind == catalog.KindHLS
	return plan(info, t)
}

// resolutions are the highest to make and those below. The highest is the
// file's own, or, when the settings do not want that, the highest enabled one
// that the file has.
func resolutions(info *ffmpeg.Info, t config.Transcoding) (top int, lower []int) {
	own, enabled := info.Resolution(), t.Resolutions.Heights()
	lower = slices.DeleteFunc(ffmpeg.Lower(info, enabled), func(r int) bool { return r == 0 })
	if own == 0 || t.AlwaysTranscodeOriginalResolution || slices.Contains(enabled, own) || len(lower) == 0 {
		return own, lower
	}
	top = slices.Max(lower)
	return top, slices.DeleteFunc(lower, func(r int) bool { return r == top })
}
