package transcode

import (
	"context"
	"path/filepath"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
)

// Profile says what to make of an input.
type Profile struct {
	Kind      string // catalog.KindWeb or catalog.KindHLS
	Info      *ffmpeg.Info
	Rendition ffmpeg.Rendition
	Still     string // picture for an input without video; empty: sound alone
	Dir       string // empty folder for the output
	File      string // name of the media file in it
	Playlist  string // HLS: name of the media playlist in it
	Progress  func(percent float64)
}

// Executor encodes: on this machine, or on another one.
type Executor interface {
	// Encode makes of the file at in what p says and returns the path of the
	// media file, which is p.File in p.Dir; for HLS the playlist lies beside
	// it. in was probed before. It ends when ctx does.
	Encode(ctx context.Context, in string, p Profile) (out string, err error)
	// Probe examines a file, an upload or an output.
	Probe(ctx context.Context, path string) (*ffmpeg.Info, error)
}

// Local encodes with the ffmpeg of this machine.
type Local struct{ *ffmpeg.Tool }

var _ Executor = Local{}

// Encode implements Executor.
func (l Local) Encode(ctx context.Context, in string, p Profile) (string, error) {
	src, out := ffmpeg.Source{Path: in, Info: p.Info}, filepath.Join(p.Dir, p.File)
	if p.Kind == catalog.KindHLS {
		return out, l.HLS(ctx, ffmpeg.HLS{Source: src, Rendition: p.Rendition, Dir: p.Dir, File: p.File, Playlist: p.Playlist}, p.Progress)
	}
	return out, l.WebVideo(ctx, ffmpeg.WebVideo{Source: src, Rendition: p.Rendition, Out: out, Still: p.Still}, p.Progress)
}
