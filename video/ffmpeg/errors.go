package ffmpeg

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that a caller tells apart. The first three are the fault of the file,
// the others are ours or the machine's.
var (
	// ErrContainer: the first bytes are of no container in the allowed list.
	// The answer to a client is 415.
	ErrContainer = errors.New("the file is not in an accepted media container")
	// ErrUnreadable: the container is known but nothing in it can be played.
	// The answer to a client is 422.
	ErrUnreadable = errors.New("the file holds no readable audio or video")
	// ErrLimits: the file is readable but larger, longer or faster than
	// allowed. The error's text names the limit. The answer to a client is 422.
	ErrLimits = errors.New("the file exceeds a media limit")
	// ErrTimeout: the tool did not end within its wall time and was killed.
	ErrTimeout = errors.New("media tool exceeded its time limit")
	// ErrOutput: the tool wrote more to its output than it may.
	ErrOutput = errors.New("media tool wrote too much output")
	// ErrMissing: ffmpeg or ffprobe is not installed.
	ErrMissing = errors.New("ffmpeg is not installed")
)

// LimitError says which limit of SEC-60 a file exceeds. errors.Is finds
// ErrLimits in it.
type LimitError struct {
	What  string // "width", "duration", …
	Value string // what the file has
	Max   string // what is allowed
}

// Error names the property, its value and the maximum, fit to be shown.
func (e *LimitError) Error() string {
	return fmt.Sprintf("%s: %s is %s, at most %s is allowed", ErrLimits, e.What, e.Value, e.Max)
}

// Is makes errors.Is(err, ErrLimits) true.
func (e *LimitError) Is(target error) bool { return target == ErrLimits }

// ToolError is a tool that ended badly. Stderr is its last output, for the
// operator; it names local paths and must not be shown to a client (SEC-53).
type ToolError struct {
	Tool   string
	Stderr string
	Err    error
}

// Error names the tool, how it ended and its last line.
func (e *ToolError) Error() string {
	last := strings.TrimSpace(e.Stderr)
	if i := strings.LastIndexByte(last, '\n'); i >= 0 {
		last = last[i+1:]
	}
	if last == "" {
		return fmt.Sprintf("%s: %v", e.Tool, e.Err)
	}
	return fmt.Sprintf("%s: %v: %s", e.Tool, e.Err, last)
}

// Unwrap returns how the tool ended: an *exec.ExitError, ErrTimeout or ErrOutput.
func (e *ToolError) Unwrap() error { return e.Err }
