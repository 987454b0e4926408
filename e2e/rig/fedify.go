package rig

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Fedify is a running server of one person and one channel, built on another
// project's library; see e2e/fedify/peer.mjs.
type Fedify struct {
	Origin string // http://127.0.0.1:PORT
	Host   string // 127.0.0.1:PORT

	cmd  *exec.Cmd
	done chan struct{}
	out  bytes.Buffer // what it says after the start; read it when done
}

// Heard is an entry of its log.
type Heard struct {
	Kind    string // http, verified, unverified, error, crash
	Type    string // of a verified activity
	ID      string
	Actor   string
	Object  string
	Reason  any
	Message string

	// of a request
	Method  string
	URL     string
	Status  int
	Headers map[string]any
	Body    string
}

// Scheme tells how a request was signed: rfc9421, draft-cavage or "".
func (h Heard) Scheme() string {
	switch {
	case h.Headers["signature-input"] != nil:
		return "rfc9421"
	case h.Headers["signature"] != nil:
		return "draft-cavage"
	}
	return ""
}

// StartFedify starts the peer in the folder dir, which holds peer.mjs and its
// packages, and returns when it answers.
func StartFedify(ctx context.Context, dir string, args ...string) (*Fedify, error) {
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@fedify", "fedify")); err != nil {
		return nil, fmt.Errorf("npm --prefix %s ci has not run: %w", dir, err)
	}
	port, err := FreePort(ctx)
	if err != nil {
		return nil, err
	}
	f := &Fedify{Host: "127.0.0.1:" + strconv.Itoa(port), done: make(chan struct{})}
	f.Origin = "http://" + f.Host
	f.cmd = exec.CommandContext(ctx, "node", append([]string{"peer.mjs", "--port", strconv.Itoa(port)}, args...)...)
	f.cmd.Dir = dir
	f.cmd.Cancel = func() error { return f.cmd.Process.Signal(syscall.SIGTERM) }
	f.cmd.WaitDelay = 5 * time.Second
	f.cmd.Stderr = &f.out
	stdout, err := f.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := f.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "ready" {
		_ = f.cmd.Process.Kill()
		_ = f.cmd.Wait() // what it said is the error
		return nil, fmt.Errorf("the Fedify peer does not start: %q %w\n%s", line, err, f.out.String())
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdout)
		_ = f.cmd.Wait() // its log says what went wrong
		close(f.done)
	}()
	return f, nil
}

// Stop ends the peer and waits for it.
func (f *Fedify) Stop() {
	_ = f.cmd.Process.Signal(syscall.SIGTERM)
	<-f.done
}

// Person and Channel are its two actors.
func (f *Fedify) Person() string { return f.Origin + "/users/bob" }

// Channel is a Group that belongs to Person.
func (f *Fedify) Channel() string { return f.Origin + "/users/bob_channel" }

// Do lets the peer do something and reads what it says of it into out, unless
// that is nil.
func (f *Fedify) Do(ctx context.Context, verb string, in map[string]any, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.Origin+"/_peer/"+verb, bytes.NewReader(text))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if text, err = io.ReadAll(res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the peer could not %s: %s", verb, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// Log is what the peer has heard, from the entry with that number on.
func (f *Fedify) Log(ctx context.Context, from int) (log []Heard, err error) {
	err = f.Do(ctx, "log", map[string]any{"from": from}, &log)
	return log, err
}
