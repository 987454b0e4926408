// Package rig runs real servers and real clients for the end-to-end tests and
// for the demo: the built binary with settings of its own in a folder of its
// own, an API client with both uploads, and headless Chromium.
//
// Everything listens on loopback and ends with the context it was started with.
package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Password is root's password on every instance of the rig.
const Password = "correct horse battery"

// Options describe an instance.
type Options struct {
	Binary      string         // the built server
	Dir         string         // settings, data and log go here
	Port        int            // 0: a free one
	PublicPort  int            // of the public address; Port unless set
	Hostname    string         // of the public address; localhost unless set
	HTTPS       bool           // the public address is https on port 443; a [Front] leads there
	DatabaseURL string         // SQLite in Dir unless set
	RedisURL    string         // embedded unless set
	Roles       string         // all unless set
	Settings    map[string]any // by key with dots, over those of the rig
}

// Instance is a running server.
type Instance struct {
	Origin string // http://localhost:PORT
	Host   string // localhost:PORT
	Dir    string
	Config string // path of its settings

	opts Options
	port int
	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{}
}

// startTimeout is generous: a first start migrates, on two busy cores.
const startTimeout = 60 * time.Second

// Start writes the settings, starts the server and returns when it answers.
func Start(ctx context.Context, o Options) (*Instance, error) {
	i, err := New(ctx, o)
	if err != nil {
		return nil, err
	}
	return i, i.Launch(ctx)
}

// New writes the settings of a server that is not started.
func New(ctx context.Context, o Options) (*Instance, error) {
	port := o.Port
	if port == 0 {
		var err error
		if port, err = FreePort(ctx); err != nil {
			return nil, err
		}
	}
	if o.Hostname == "" {
		o.Hostname = "localhost"
	}
	if o.PublicPort == 0 {
		o.PublicPort = port
	}
	host, scheme := net.JoinHostPort(o.Hostname, strconv.Itoa(o.PublicPort)), "http://"
	if o.HTTPS {
		o.PublicPort, host, scheme = 443, o.Hostname, "https://"
	}
	i := &Instance{
		Origin: scheme + host, Host: host, Dir: o.Dir,
		Config: filepath.Join(o.Dir, "kinemesh.json"), opts: o, port: port,
	}
	return i, i.writeSettings()
}

// FreePort finds a port on loopback. It is below those that the kernel gives to
// whoever asks for any, so that it is still free when a server starts there,
// and above those that browsers refuse.
func FreePort(ctx context.Context) (int, error) {
	var last error
	for range 100 {
		port := 11_000 + rand.IntN(21_000)
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
		last = err
	}
	return 0, fmt.Errorf("find a free port: %w", last)
}

func (i *Instance) writeSettings() error {
	if err := os.MkdirAll(i.Dir, 0o750); err != nil {
		return err
	}
	settings := map[string]any{
		"data_dir":                                     "./data", // below Dir, which the server runs in
		"listen.hostname":                              "127.0.0.1",
		"listen.port":                                  i.port,
		"webserver.hostname":                           i.opts.Hostname,
		"webserver.port":                               i.opts.PublicPort,
		"webserver.https":                              i.opts.HTTPS,
		"federation.allow_http":                        true,
		"federation.allow_networks":                    []string{"127.0.0.0/8", "::1/128"},
		"log.level":                                    "debug",
		"rates_limit.api.max":                          100000,
		"rates_limit.login.max":                        100000,
		"rates_limit.client.max":                       100000,
		"webrtc.stun_servers":                          []string{},
		"transcoding.resolutions.720p":                 false,
		"transcoding.resolutions.480p":                 false,
		"transcoding.resolutions.240p":                 true,
		"transcoding.fps.max":                          30,
		"instance.name":                                "Instance on " + i.Host,
		"followings.instance.auto_follow_back.enabled": false,
	}
	if i.opts.DatabaseURL != "" {
		settings["database.url"] = i.opts.DatabaseURL
	}
	if i.opts.RedisURL != "" {
		settings["redis.url"] = i.opts.RedisURL
	}
	maps.Copy(settings, i.opts.Settings)
	nested := map[string]any{}
	for key, value := range settings {
		section := nested
		parts := strings.Split(key, ".")
		for _, part := range parts[:len(parts)-1] {
			next, ok := section[part].(map[string]any)
			if !ok {
				next = map[string]any{}
				section[part] = next
			}
			section = next
		}
		section[parts[len(parts)-1]] = value
	}
	text, err := json.MarshalIndent(nested, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(i.Config, text, 0o600)
}

// Launch starts the server again, after [Instance.Stop] or [Instance.Kill].
func (i *Instance) Launch(ctx context.Context) error {
	log, err := os.OpenFile(i.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"serve", "--config", i.Config}
	if i.opts.Roles != "" {
		args = append(args, "--roles", i.opts.Roles)
	}
	cmd := exec.CommandContext(ctx, i.opts.Binary, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Dir = i.Dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(environ(), "KINEMESH_INITIAL_ROOT_PASSWORD="+Password)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start server: %w", err)
	}
	done := make(chan struct{})
	i.mu.Lock()
	i.cmd, i.done = cmd, done
	i.mu.Unlock()
	go func() {
		_ = cmd.Wait() // the log says why
		close(done)
	}()
	return i.waitReady(ctx, done)
}

// environ is ours without settings of a server.
func environ() []string {
	return slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "KINEMESH_") })
}

func (i *Instance) waitReady(ctx context.Context, done <-chan struct{}) error {
	if i.opts.Roles != "" && !strings.Contains(i.opts.Roles, "web") {
		return nil // nothing to ask
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	go func() { // a request hangs where something else has the port
		select {
		case <-done:
		case <-ctx.Done():
		}
		cancel()
	}()
	for {
		if body, err := get(ctx, "http://"+net.JoinHostPort("127.0.0.1", strconv.Itoa(i.port))+"/api/v1/ping"); err == nil && strings.Contains(body, "pong") {
			return nil
		}
		select {
		case <-done:
			return fmt.Errorf("the server on %s ended at start:\n%s", i.Host, i.LogTail())
		default:
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the server on %s does not answer:\n%s", i.Host, i.LogTail())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, res.Status)
	}
	return string(body), err
}

// DatabaseURL is where the server keeps its rows.
func (i *Instance) DatabaseURL() string {
	if i.opts.DatabaseURL != "" {
		return i.opts.DatabaseURL
	}
	return "sqlite:" + filepath.Join(i.Dir, "data", "kinemesh.db")
}

// PID is the process of the running server.
func (i *Instance) PID() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.cmd.Process.Pid
}

// Stop ends the server as an operator would and waits for it.
func (i *Instance) Stop() error { return i.signal(syscall.SIGTERM) }

// Kill ends the server at once, as a power cut would, and waits for it.
func (i *Instance) Kill() error { return i.signal(syscall.SIGKILL) }

func (i *Instance) signal(s syscall.Signal) error {
	i.mu.Lock()
	cmd, done := i.cmd, i.done
	i.mu.Unlock()
	if err := cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-done:
		return nil
	case <-time.After(30 * time.Second):
		return fmt.Errorf("the server on %s does not end on %v:\n%s", i.Host, s, i.LogTail())
	}
}

// Run runs another command of the binary with the same settings.
func (i *Instance) Run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, i.opts.Binary, append(args, "--config", i.Config)...)
	cmd.Dir = i.Dir
	cmd.Env = environ()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// LogFile is where the server writes.
func (i *Instance) LogFile() string { return filepath.Join(i.Dir, "server.log") }

// LogTail is the end of the log, for messages.
func (i *Instance) LogTail() string {
	text, err := os.ReadFile(i.LogFile())
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-25):], "\n")
}

// Eventually asks until it gets true or time is up, and says what was awaited.
func Eventually(ctx context.Context, limit time.Duration, what string, ask func(context.Context) (bool, error)) error {
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var last error
	for {
		ok, err := ask(ctx)
		if ok && err == nil {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			if errors.Is(whole.Err(), context.Canceled) {
				return fmt.Errorf("interrupted before %s: %w", what, whole.Err())
			}
			if last != nil {
				return fmt.Errorf("waited %v in vain: %s: %w", limit, what, last)
			}
			return fmt.Errorf("waited %v in vain: %s", limit, what)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
