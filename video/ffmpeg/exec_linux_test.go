package ffmpeg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fake writes a shell script that stands in for a tool.
func fake(t *testing.T, script string) string {
	t.Helper()
	path := write(t, "tool", []byte("#!/bin/sh\n"+script+"\n"))
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// eachSandbox runs f in every way of shutting a tool in that this machine
// allows, the weakest always among them.
func eachSandbox(t *testing.T, f func(t *testing.T, tl *Tool)) {
	t.Helper()
	for i, s := range sandboxes() {
		if s.spaces != 0 && s != tool(t).sandbox { // of these, what is used here
			continue
		}
		t.Run(fmt.Sprintf("%d %s", i, s), func(t *testing.T) {
			tl := tool(t)
			tl.sandbox = s
			if err := tl.try(t.Context()); err != nil {
				t.Skipf("not on this machine: %v", err)
			}
			f(t, tl)
		})
	}
}

func TestFind(t *testing.T) {
	tl := tool(t)
	if !filepath.IsAbs(tl.FFmpeg) || !filepath.IsAbs(tl.FFprobe) || tl.Sandbox() == "" {
		t.Errorf("Find = %+v", tl)
	}
}

func TestFindMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Find(t.Context())
	if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "apt install ffmpeg") || strings.Contains(err.Error(), "\n") {
		t.Errorf("Find = %v, want one sentence that says what to install", err)
	}
}

func TestFindBroken(t *testing.T) {
	dir := filepath.Dir(fake(t, "exit 3"))
	for _, n := range []string{"ffmpeg", "ffprobe"} {
		if err := os.Symlink(filepath.Join(dir, "tool"), filepath.Join(dir, n)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	if _, err := Find(t.Context()); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "does not run") {
		t.Errorf("Find = %v", err)
	}
}

// slack is what a busy machine may take to notice that a limit is reached.
const slack = 10 * time.Second

// TestExecEnds: whatever a tool does, it and its children are gone soon after
// its limit. SEC-59
func TestExecEnds(t *testing.T) {
	const wall = 2 * time.Second // the tool has begun by then
	tests := map[string]struct {
		script string
		want   error // nil: any error
		limits Limits
	}{
		"sleeps":                  {"echo $$ > PID; sleep 600", ErrTimeout, Limits{}},
		"ignores the signal":      {"trap '' TERM INT HUP; echo $$ > PID; while :; do sleep 600; done", ErrTimeout, Limits{}},
		"forks and waits":         {"sleep 600 & echo $! > PID; sleep 600 & wait", ErrTimeout, Limits{}},
		"leaves a child behind":   {"sleep 600 >/dev/null 2>&1 & echo $! > PID; exit 1", nil, Limits{}},
		"child holds the pipe":    {"sleep 600 & echo $! > PID; exit 1", nil, Limits{}},
		"writes to standard out":  {"echo $$ > PID; while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", ErrOutput, Limits{Output: 10_000}},
		"writes to standard err":  {"echo $$ > PID; while :; do echo xxxxxxxxxxxxxxxxxxxx >&2; done", ErrTimeout, Limits{}},
		"writes a large file":     {"echo $$ > PID; head -c 3000000 /dev/zero > FILE", nil, Limits{FileSize: 1 << 20}},
		"uses up the CPU":         {"echo $$ > PID; while :; do :; done", nil, Limits{CPU: time.Second}},
		"uses up the memory":      {"echo $$ > PID; x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done", nil, Limits{Memory: 64 << 20}},
		"is ended by the context": {"echo $$ > PID; sleep 600", context.Canceled, Limits{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // they mostly wait
			eachSandbox(t, func(t *testing.T, tl *Tool) {
				dir := t.TempDir()
				tl.Limits = tt.limits
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				c := command{bin: fake(t, tt.script), dir: dir, wall: wall, stdout: &bytes.Buffer{}}
				if !tl.sandbox.halted && tt.limits != (Limits{}) {
					t.Skip("limits may come after the first instructions")
				}
				if !errors.Is(tt.want, ErrTimeout) {
					c.wall = 2 * time.Minute // something else comes first
				}
				if errors.Is(tt.want, context.Canceled) {
					time.AfterFunc(wall, cancel)
				}
				start := time.Now()
				err := tl.exec(ctx, c)
				if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
					t.Errorf("exec = %v, want %v", err, tt.want)
				}
				if tt.want == nil && errors.Is(err, ErrTimeout) {
					t.Errorf("exec = %v: only the wall time ended it", err)
				}
				if took := time.Since(start); tt.limits.CPU == 0 && took > wall+slack { // CPU time is not the clock's
					t.Errorf("took %v", took)
				}
				if fi, err := os.Stat(filepath.Join(dir, "FILE")); err == nil && fi.Size() > tt.limits.FileSize {
					t.Errorf("wrote %d bytes", fi.Size())
				}
				noneLeft(t, dir)
			})
		})
	}
}

// TestExecLeavesTheGroup: a child that makes a session of its own survives a
// killed group, but not its process space.
func TestExecLeavesTheGroup(t *testing.T) {
	eachSandbox(t, func(t *testing.T, tl *Tool) {
		if tl.sandbox.spaces == 0 {
			t.Skip("only with a process space")
		}
		dir := t.TempDir()
		if err := tl.exec(t.Context(), command{bin: fake(t, "setsid sleep 601 >/dev/null 2>&1 & sleep 1; echo x > PID; exit 0"), dir: dir, wall: time.Minute}); err != nil {
			t.Fatal(err)
		}
		noneLeft(t, dir)
	})
}

// TestExecDiesWithServer: a tool does not outlive the process that started it,
// however that ends.
func TestExecDiesWithServer(t *testing.T) {
	const dirVar, scriptVar, sandboxVar = "FFMPEG_TEST_DIR", "FFMPEG_TEST_SCRIPT", "FFMPEG_TEST_SANDBOX"
	if dir := os.Getenv(dirVar); dir != "" { // the process that will be killed
		tl := &Tool{}
		for i, s := range sandboxes() {
			if strconv.Itoa(i) == os.Getenv(sandboxVar) {
				tl.sandbox = s
			}
		}
		_ = tl.exec(t.Context(), command{bin: os.Getenv(scriptVar), dir: dir, wall: time.Minute})
		return
	}
	eachSandbox(t, func(t *testing.T, tl *Tool) {
		dir := t.TempDir()
		server := exec.Command(os.Args[0], "-test.run=^TestExecDiesWithServer$")
		server.Env = append(os.Environ(), dirVar+"="+dir, scriptVar+"="+fake(t, "echo $$ > PID; exec sleep 600"),
			sandboxVar+"="+strconv.Itoa(slices.Index(sandboxes(), tl.sandbox)))
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(time.Minute)
		for {
			if _, err := os.Stat(filepath.Join(dir, "PID")); err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the tool never ran")
			}
			time.Sleep(5 * time.Millisecond)
		}
		if err := server.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = server.Wait() // killed, as it should be
		noneLeft(t, dir)
	})
}

// noneLeft waits for the end of every process whose working folder is dir.
func noneLeft(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "PID")); err != nil {
		t.Errorf("the tool never ran: %v", err)
	}
	deadline := time.Now().Add(slack)
	for {
		var left []string
		procs, _ := filepath.Glob("/proc/[0-9]*/cwd")
		for _, p := range procs {
			if cwd, err := os.Readlink(p); err == nil && cwd == dir {
				left = append(left, p)
			}
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still running: %v", left)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestExecSurroundings(t *testing.T) { // SEC-58, SEC-59
	t.Setenv("KINEMESH_SECRET", "marker")
	eachSandbox(t, func(t *testing.T, tl *Tool) {
		tl.Limits = Limits{Memory: 1 << 30, Files: 77}
		var out bytes.Buffer
		dir := t.TempDir()
		script := `/usr/bin/env; pwd; ulimit -n; ulimit -v; ulimit -c; /usr/bin/nice; cat /proc/net/dev; read line && echo stdin`
		if err := tl.exec(t.Context(), command{bin: fake(t, "sleep 1;"+script+";exit 0"), dir: dir, wall: time.Minute, stdout: &out}); err != nil {
			t.Fatal(err)
		}
		got := out.String()
		if strings.Contains(got, "marker") || strings.Contains(got, "HOME=") || strings.Contains(got, "stdin") {
			t.Errorf("the tool sees our surroundings: %s", got)
		}
		for _, want := range []string{dir, "\n77\n", "\n1048576\n", "\n0\n", "\n15\n"} {
			if !strings.Contains(got, want) {
				t.Errorf("missing %q in %s", want, got)
			}
		}
		if tl.sandbox.spaces != 0 && strings.Contains(got, "eth0") {
			t.Errorf("the tool has a network: %s", got)
		}
	})
}

func TestToolError(t *testing.T) {
	tl := tool(t)
	err := tl.exec(t.Context(), command{bin: fake(t, "echo first >&2; echo the reason >&2; exit 4"), dir: "/", wall: time.Minute})
	var te *ToolError
	if !errors.As(err, &te) || te.Stderr != "first\nthe reason\n" || err.Error() != "tool: exit status 4: the reason" || !isExit(err) {
		t.Errorf("exec = %v", err)
	}
	err = tl.exec(t.Context(), command{bin: "/nonexistent", dir: "/", wall: time.Second})
	if err == nil || isExit(err) || !errors.Is(err, syscall.ENOENT) {
		t.Errorf("exec of nothing = %v", err)
	}
}

func TestTail(t *testing.T) {
	tl := &tail{max: 5}
	for _, s := range []string{"ab", "cdefgh", "", "i"} {
		if n, err := tl.Write([]byte(s)); n != len(s) || err != nil {
			t.Errorf("Write(%q) = %d, %v", s, n, err)
		}
	}
	if got := tl.String(); got != "efghi" {
		t.Errorf("tail = %q", got)
	}
}
