//go:build unix && !linux

package ffmpeg

import "syscall"

// sandbox has one value where the system is not Linux: a process group.
type sandbox int

func sandboxes() []sandbox { return []sandbox{0} }

// String names the kind for the log.
func (sandbox) String() string { return "process group" }

func (sandbox) attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// admit lowers the priority. The limits of another process cannot be set here;
// wall time and the output limit still hold.
func (sandbox) admit(pid int, _ Limits) error {
	return syscall.Setpriority(syscall.PRIO_PGRP, pid, niceness)
}
