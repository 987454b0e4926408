package ffmpeg

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// Limits bound one run of a tool (SEC-59). Zero means the value of
// DefaultLimits.
type Limits struct {
	Wall      time.Duration // time until it is killed; for a conversion the least, see Tool.wall
	CPU       time.Duration // CPU time over all its threads
	Memory    int64         // address space in bytes
	FileSize  int64         // bytes in one file it writes
	Files     int           // open descriptors
	Processes int           // processes and threads
	Output    int64         // bytes on its standard output
}

// DefaultLimits fit a conversion of a long film on a small machine.
var DefaultLimits = Limits{
	Wall:      10 * time.Minute,
	CPU:       7 * 24 * time.Hour,
	Memory:    16 << 30,
	FileSize:  256 << 30,
	Files:     128,
	Processes: 2048, // counted with all processes of the user on older systems
	Output:    8 << 20,
}

// probeWall is how long ffprobe may look at one file.
const probeWall = 60 * time.Second

// wallFactor is how much slower than playback a conversion may be.
const wallFactor = 40

// Media bounds what a file may hold (SEC-60).
type Media struct {
	Side     int           // pixels on one side
	Pixels   int64         // width times height
	FPS      float64       // pictures a second
	Duration time.Duration // of the whole
	Streams  int
}

// DefaultMedia are the limits that SEC-60 promises.
var DefaultMedia = Media{Side: 16_384, Pixels: 40_000_000, FPS: 240, Duration: 24 * time.Hour, Streams: 32}

// Tool is a pair of ffmpeg and ffprobe with limits. It holds no state: one Tool
// serves any number of goroutines.
type Tool struct {
	FFmpeg  string     // absolute path
	FFprobe string     // absolute path
	Threads func() int // of the encoder, asked before each run; nil or 0 lets it choose
	Limits  Limits
	Media   Media

	// sandbox is how far the system lets a tool be shut in; see sandboxes.
	sandbox sandbox
}

// Find looks for ffmpeg and ffprobe in the PATH and checks that they run. The
// error is ErrMissing, in one sentence that says how to install them.
func Find(ctx context.Context) (*Tool, error) {
	t := &Tool{Limits: DefaultLimits, Media: DefaultMedia}
	for _, p := range []struct {
		name string
		path *string
	}{{"ffmpeg", &t.FFmpeg}, {"ffprobe", &t.FFprobe}} {
		path, err := exec.LookPath(p.name)
		if err == nil {
			path, err = filepath.Abs(path)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %s was not found in the PATH; install it with \"apt install ffmpeg\" (Debian, Ubuntu), \"dnf install ffmpeg-free\" (Fedora) or \"brew install ffmpeg\"", ErrMissing, p.name)
		}
		*p.path = path
	}
	var err error
	for _, t.sandbox = range sandboxes() { // strictest first, none last
		if err = t.try(ctx); err == nil {
			return t, nil
		}
	}
	return nil, fmt.Errorf("%w: %s does not run: %w", ErrMissing, t.FFmpeg, err)
}

// Sandbox says how tools are shut in, for the start-up log: "namespaces" (no
// network, no process survives) or "process group".
func (t *Tool) Sandbox() string { return t.sandbox.String() }

func (t *Tool) try(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return t.exec(ctx, command{bin: t.FFmpeg, args: []string{"-version"}, dir: "/", wall: 20 * time.Second})
}

// wall is how long a conversion of media of that length may take.
func (t *Tool) wall(d time.Duration) time.Duration {
	return t.limits().Wall + wallFactor*d
}

// limits fills the zero fields with the defaults.
func (t *Tool) limits() Limits {
	l := t.Limits
	orDefault(&l.Wall, DefaultLimits.Wall)
	orDefault(&l.CPU, DefaultLimits.CPU)
	orDefault(&l.Memory, DefaultLimits.Memory)
	orDefault(&l.FileSize, DefaultLimits.FileSize)
	orDefault(&l.Files, DefaultLimits.Files)
	orDefault(&l.Processes, DefaultLimits.Processes)
	orDefault(&l.Output, DefaultLimits.Output)
	return l
}

func (t *Tool) media() Media {
	m := t.Media
	orDefault(&m.Side, DefaultMedia.Side)
	orDefault(&m.Pixels, DefaultMedia.Pixels)
	orDefault(&m.FPS, DefaultMedia.FPS)
	orDefault(&m.Duration, DefaultMedia.Duration)
	orDefault(&m.Streams, DefaultMedia.Streams)
	return m
}

func orDefault[T int | int64 | float64 | time.Duration](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}
