package ffmpeg

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// sandbox is how far this system lets a tool be shut in.
type sandbox struct {
	spaces uintptr // name spaces of its own; 0 is only a process group
	// halted: the tool stops before its first instruction, so that its limits
	// hold from the beginning and for all that it starts.
	halted bool
}

// A tool needs no network (SEC-59), and as the first process of its own process
// space it takes everything it started with it when it dies.
const spaces = syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC

// sandboxes lists what to try, strictest first: with a user space any user may
// make the others, root also without one, and some systems allow neither. Some
// forbid tracing, which is what halts a tool.
func sandboxes() []sandbox {
	return []sandbox{
		{syscall.CLONE_NEWUSER | spaces, true},
		{spaces, true},
		{syscall.CLONE_NEWUSER | spaces, false},
		{spaces, false},
		{0, true},
		{0, false},
	}
}

// String names the kind for the log.
func (s sandbox) String() string {
	if s.spaces == 0 {
		return "process group"
	}
	return "namespaces"
}

func (s sandbox) attributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Cloneflags: s.spaces, Ptrace: s.halted}
	if s.spaces&syscall.CLONE_NEWUSER != 0 {
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
	}
	return a
}

// admit sets the limits of a process that has just started and, when it was
// halted, lets it go. It runs on the thread that started the process.
func (s sandbox) admit(pid int, l Limits) error {
	if !s.halted {
		return limitProcess(pid, l)
	}
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(pid, &status, 0, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil || !status.Stopped() {
			return fmt.Errorf("halt: status %d: %w", status, errors.Join(err, syscall.ESRCH))
		}
		break
	}
	return errors.Join(limitProcess(pid, l), syscall.PtraceDetach(pid))
}

// limitProcess sets the limits of SEC-59 on a running process.
func limitProcess(pid int, l Limits) error {
	for _, r := range []struct {
		resource int
		value    int64
	}{
		{unix.RLIMIT_CPU, max(1, int64(l.CPU.Seconds()))},
		{unix.RLIMIT_AS, l.Memory},
		{unix.RLIMIT_FSIZE, l.FileSize},
		{unix.RLIMIT_NOFILE, int64(l.Files)},
		{unix.RLIMIT_NPROC, int64(l.Processes)},
		{unix.RLIMIT_CORE, 0},
	} {
		err := lower(pid, r.resource, uint64(max(0, r.value)))
		if err != nil && !errors.Is(err, unix.ESRCH) { // it has ended already
			return fmt.Errorf("limit resource %d: %w", r.resource, err)
		}
	}
	if err := unix.Setpriority(unix.PRIO_PGRP, pid, niceness); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("set priority: %w", err)
	}
	return nil
}

// lower never asks for more than the server itself may have.
func lower(pid, resource int, value uint64) error {
	var now unix.Rlimit
	if err := unix.Prlimit(pid, resource, nil, &now); err != nil {
		return err
	}
	value = min(value, now.Max)
	return unix.Prlimit(pid, resource, &unix.Rlimit{Cur: value, Max: value}, nil)
}
