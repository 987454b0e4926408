package ffmpeg

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// Sprites is one picture made of many small ones of a video, a line after the
// other, for seek bars.
type Sprites struct {
	Path          string // absolute, ends in .jpg
	Width, Height int    // of a small picture
	Columns, Rows int
	Every         time.Duration // what each stands for, whole seconds
}

// keyFramesFrom is the distance of pictures from which key frames alone are
// decoded, since there is one within that time: a fraction of the work.
const keyFramesFrom = 10 * time.Second

// Storyboard makes s of a video. The error is ErrNoPicture when there is none.
// The output is complete or absent.
func (t *Tool) Storyboard(ctx context.Context, in Source, s Sprites, report func(percent float64)) error {
	if in.Info.Video == nil {
		return ErrNoPicture
	}
	return t.convert(ctx, storyboardArgs(in, s), report, s.Path)
}

func storyboardArgs(in Source, s Sprites) Args {
	argv := globalArgs()
	if s.Every >= keyFramesFrom {
		argv = append(argv, "-skip_frame", "nokey")
	}
	argv = append(argv, inputArgs(in.Path, in.Info.Container.Demuxers, DefaultMedia.Pixels)...)
	argv = append(argv, "-filter_complex", fmt.Sprintf("[0:%d]fps=fps=1/%d:start_time=0:round=up,scale=w=%d:h=%d,setsar=1,tile=%dx%d",
		in.Info.Video.Index, int(s.Every.Seconds()), s.Width, s.Height, s.Columns, s.Rows))
	argv = append(argv, jpegArgs(s.Path)...)
	return Args{Argv: argv, Dir: filepath.Dir(s.Path), Duration: in.Info.Duration}
}
