package ffmpeg

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
)

// Mux puts the streams of inputs, as they are, into one fragmented MP4 that it
// writes to w while it goes: the first picture and the first sound that there
// are. It ends early when w does not take the bytes.
func (t *Tool) Mux(ctx context.Context, inputs []Source, w io.Writer) error {
	args := muxArgs(inputs)
	return t.exec(ctx, command{bin: t.FFmpeg, args: args.Argv, dir: args.Dir, wall: t.wall(args.Duration), stdout: w, stream: true})
}

func muxArgs(inputs []Source) Args {
	// The media goes where other runs tell their progress.
	a := Args{Argv: []string{"-hide_banner", "-nostdin", "-v", "error"}, Dir: filepath.Dir(inputs[0].Path)}
	for _, in := range inputs {
		a.Argv = append(a.Argv, inputArgs(in.Path, in.Info.Container.Demuxers, DefaultMedia.Pixels)...)
		a.Duration = max(a.Duration, in.Info.Duration)
	}
	video, audio := false, false
	for i, in := range inputs {
		if in.Info.Video != nil && !video {
			video = true
			a.Argv = append(a.Argv, "-map", fmt.Sprintf("%d:%d", i, in.Info.Video.Index))
		}
		if in.Info.Audio != nil && !audio {
			audio = true
			a.Argv = append(a.Argv, "-map", fmt.Sprintf("%d:%d", i, in.Info.Audio.Index))
		}
	}
	a.Argv = append(a.Argv, "-c", "copy")
	a.Argv = append(a.Argv, stripArgs()...)
	a.Argv = append(a.Argv, "-movflags", "frag_keyframe+empty_moov+delay_moov", "-f", "mp4", "pipe:1")
	return a
}
