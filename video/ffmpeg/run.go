package ffmpeg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrNoPicture means that the input has no video to take a picture of.
var ErrNoPicture = errors.New("the file has no video")

// Run runs ffmpeg. The error is or wraps syscall.ENOSPC when the disk is full
// (REL-16). report, which may be nil, is called with 0 to 100 about
// twice a second, never twice with the same value or a smaller one, from a
// goroutine of its own that has ended when Run returns.
func (t *Tool) Run(ctx context.Context, args Args, report func(percent float64)) error {
	p := &progress{duration: args.Duration, report: report}
	messages := &tail{max: stderrKept}
	err := t.exec(ctx, command{
		bin: t.FFmpeg, args: args.Argv, dir: args.Dir, wall: t.wall(args.Duration), stdout: p, stderr: messages,
	})
	if ctx.Err() == nil {
		err = writeError(err, messages.String())
	}
	return err
}

// writeError finds an output that could not be written. ffmpeg 5.1 ends with
// status 0 when the disk is full at the very end, so its messages decide.
func writeError(err error, messages string) error {
	var cause error
	switch {
	case strings.Contains(messages, "No space left on device"):
		cause = syscall.ENOSPC
	case strings.Contains(messages, "Disk quota exceeded"):
		cause = syscall.EDQUOT
	case strings.Contains(messages, "File too large"):
		cause = syscall.EFBIG
	case strings.Contains(messages, "Error writing trailer"), strings.Contains(messages, "Error closing file"):
		cause = errors.New("output not written to its end")
	default:
		return err
	}
	return &ToolError{Tool: "ffmpeg", Stderr: messages, Err: errors.Join(cause, err)}
}

func (t *Tool) threads() int {
	if t.Threads == nil {
		return 0
	}
	return t.Threads()
}

// WebVideo makes the MP4 file. The output is complete or absent.
func (t *Tool) WebVideo(ctx context.Context, w WebVideo, report func(percent float64)) error {
	w.Threads = t.threads()
	return t.convert(ctx, w.Args(), report, w.Out)
}

// HLS makes the fragmented file and its media playlist. Both are complete or
// absent.
func (t *Tool) HLS(ctx context.Context, h HLS, report func(percent float64)) error {
	h.Threads = t.threads()
	return t.convert(ctx, h.Args(), report, filepath.Join(h.Dir, h.File), filepath.Join(h.Dir, h.Playlist))
}

// Thumbnail writes one typical picture of the video in all sizes asked for,
// from the first third but no later than half a minute. The error is
// ErrNoPicture when there is no video.
func (t *Tool) Thumbnail(ctx context.Context, s Source, images ...Image) error {
	if s.Info.Video == nil {
		return ErrNoPicture
	}
	if len(images) == 0 {
		return nil
	}
	at := min(s.Info.Duration/3, 30*time.Second)
	paths := make([]string, len(images))
	for i, m := range images {
		paths[i] = m.Path
	}
	err := t.convert(ctx, thumbnailArgs(s, at, images), nil, paths...)
	if at > 0 && err != nil && ctx.Err() == nil {
		// A damaged index finds nothing in the middle; the beginning is there.
		err = t.convert(ctx, thumbnailArgs(s, 0, images), nil, paths...)
	}
	return err
}

// Waveform draws the sound of an input without video. The error is ErrNoPicture
// when there is no sound either.
func (t *Tool) Waveform(ctx context.Context, s Source, m Image) error {
	if s.Info.Audio == nil {
		return ErrNoPicture
	}
	return t.convert(ctx, waveformArgs(s, m), nil, m.Path)
}

// convert runs ffmpeg and sees to it that the outputs are there, or removed.
func (t *Tool) convert(ctx context.Context, args Args, report func(float64), outputs ...string) error {
	err := t.Run(ctx, args, report)
	for _, path := range outputs {
		if err != nil {
			break
		}
		var fi os.FileInfo
		if fi, err = os.Stat(path); err == nil && fi.Size() == 0 {
			err = errors.New("empty file")
		}
		if err != nil { // ffmpeg is content when no frame came out
			err = &ToolError{Tool: "ffmpeg", Err: fmt.Errorf("no output: %w", err)}
		}
	}
	if err != nil {
		for _, path := range outputs {
			_ = os.Remove(path)
		}
	}
	return err
}

// progress reads what ffmpeg writes with -progress: lines of key=value.
type progress struct {
	duration time.Duration
	report   func(percent float64)

	at   time.Duration // how far the output has come
	told float64
	rest []byte // an unfinished line
}

// maxProgressLine is far above any line that ffmpeg writes there.
const maxProgressLine = 4096

func (p *progress) Write(b []byte) (int, error) {
	p.rest = append(p.rest, b...)
	for {
		line, rest, ok := bytes.Cut(p.rest, []byte{'\n'})
		if !ok {
			break
		}
		p.line(line)
		p.rest = rest
	}
	if len(p.rest) > maxProgressLine {
		p.rest = nil
	}
	return len(b), nil
}

func (p *progress) line(line []byte) {
	key, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte{'='})
	switch string(key) {
	case "out_time_us":
		us, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil || us < 0 || us > int64(1<<62)/1000 { // "N/A" at the start
			return
		}
		p.at = max(p.at, time.Duration(us)*time.Microsecond)
		if p.duration > 0 {
			p.tell(100 * float64(p.at) / float64(p.duration))
		}
	case "progress":
		if string(value) == "end" {
			p.tell(100)
		}
	}
}

func (p *progress) tell(percent float64) {
	percent = min(percent, 100)
	if p.report != nil && percent > p.told {
		p.told = percent
		p.report(percent)
	}
}
