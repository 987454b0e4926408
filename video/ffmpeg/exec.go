package ffmpeg

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// stderrKept is how much of a tool's last messages is kept.
const stderrKept = 16 << 10

// niceness of every tool: the server's own answers go first (SEC-59).
const niceness = 15

// command is one run of a tool.
type command struct {
	bin    string
	args   []string
	dir    string        // working folder, absolute
	wall   time.Duration // until it is killed
	stdout io.Writer     // nil throws the output away
	stream bool          // stdout is the product, as long as it may be
	stderr *tail         // nil: kept for the error only
}

// exec runs c and waits until the tool and all that it started are gone. The
// error is that of ctx when ctx ended, else a *ToolError.
func (t *Tool) exec(ctx context.Context, c command) error {
	// The parent-death signal and tracing belong to the thread that started the
	// process, so this goroutine keeps its thread until the process has ended.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	runCtx, stop := context.WithTimeoutCause(ctx, c.wall, ErrTimeout)
	defer stop()
	runCtx, fail := context.WithCancelCause(runCtx)
	defer fail(nil)

	limits := t.limits()
	messages := c.stderr
	if messages == nil {
		messages = &tail{max: stderrKept}
	}
	cmd := exec.CommandContext(runCtx, c.bin, c.args...) //nolint:gosec // the arguments are built here, see doc.go
	cmd.Dir = c.dir
	cmd.Env = []string{} // nil would pass ours on
	cmd.Stderr = messages
	if c.stdout != nil {
		left := limits.Output
		if c.stream {
			left = limits.FileSize
		}
		cmd.Stdout = &capped{w: c.stdout, left: left, full: func() { fail(ErrOutput) }}
	}
	cmd.SysProcAttr = t.sandbox.attributes()
	cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
	cmd.WaitDelay = time.Second // a child that left the group may hold the pipes

	err := cmd.Start()
	if err == nil {
		err = t.sandbox.admit(cmd.Process.Pid, limits)
		if err != nil {
			fail(err)
		}
		waitErr := cmd.Wait()
		_ = killGroup(cmd.Process.Pid) // whatever it left running
		err = errors.Join(err, waitErr)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if cause := context.Cause(runCtx); cause != nil && err != nil {
		err = cause
	}
	if err != nil {
		return &ToolError{Tool: filepath.Base(c.bin), Stderr: messages.String(), Err: err}
	}
	return nil
}

// killGroup ends the process group that pid leads.
func killGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGKILL) }

// capped passes on at most left bytes and calls full once there are more.
type capped struct {
	w    io.Writer
	left int64
	full func()
}

func (c *capped) Write(p []byte) (int, error) {
	if int64(len(p)) > c.left {
		c.full()
		return 0, ErrOutput
	}
	c.left -= int64(len(p))
	return c.w.Write(p)
}

// tail keeps the last max bytes written to it.
type tail struct {
	max int
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - t.max; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.buf) }

// isExitError tells a tool that ran and ended from one that never started.
func isExitError(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit)
}
