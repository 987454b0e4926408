package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anacrolix/torrent/bencode"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

func portOf(t *testing.T, i *rig.Instance) int {
	t.Helper()
	_, port, _ := strings.Cut(i.Host, ":")
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// download fetches a URL into a file and returns its SHA-256.
func download(ctx context.Context, t *testing.T, url, file string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, res.Status, err)
	}
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return sum(body)
}

func sum(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

// sumOfOnly returns the SHA-256 of the only finished file in a folder.
func sumOfOnly(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".mp4") {
			text, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			return sum(text)
		}
	}
	t.Fatalf("no file in %s: %v", dir, entries)
	return ""
}

var aria2Options = []string{
	"--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false", "--enable-peer-exchange=false",
	"--file-allocation=none", "--summary-interval=0", "--console-log-level=warn", "--no-conf=true", "--disable-ipv6=true",
	"--bt-tracker-connect-timeout=5",
}

// A torrent client takes the file from our web seed, another from the first by
// our tracker.
func TestTorrent(t *testing.T) {
	_, v := shared.get(t)
	ctx := slow(t, 4*time.Minute)
	file := v.Files[0]
	dir := t.TempDir()
	want := download(ctx, t, file.FileURL, filepath.Join(dir, "direct.mp4"))
	withSeed := filepath.Join(dir, "with-web-seed.torrent")
	download(ctx, t, file.TorrentURL, withSeed)
	withoutSeed := filepath.Join(dir, "without.torrent")
	stripWebSeed(t, withSeed, withoutSeed)

	first := filepath.Join(dir, "first")
	run := exec.CommandContext(ctx, "aria2c", append(aria2Options, "--seed-time=0", "--dir="+first, withSeed)...)
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("aria2c by web seed: %v\n%s", err, out)
	}
	if got := sumOfOnly(t, first); got != want {
		t.Fatalf("by web seed: SHA-256 %s, want %s", got, want)
	}

	var log bytes.Buffer
	seed := exec.CommandContext(ctx, "aria2c", append(aria2Options, "--seed-ratio=0.0", "--check-integrity=true",
		"--dir="+first, withoutSeed)...)
	seed.Stdout, seed.Stderr = &log, &log
	if err := seed.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = seed.Process.Kill()
		_ = seed.Wait() // killed
	}()
	second := filepath.Join(dir, "second")
	eventually(ctx, t, 2*time.Minute, "the second client has the file", func(ctx context.Context) (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
		defer cancel()
		run := exec.CommandContext(ctx, "aria2c", append(aria2Options, "--seed-time=0", "--dir="+second, "--bt-stop-timeout=20", withoutSeed)...)
		out, err := run.CombinedOutput()
		if err != nil {
			return false, fmt.Errorf("%w: %s", err, out)
		}
		return true, nil
	})
	if got := sumOfOnly(t, second); got != want {
		t.Errorf("by our tracker: SHA-256 %s, want %s", got, want)
	}
}

// stripWebSeed writes the torrent without url-list; its info and so its hash
// stay.
func stripWebSeed(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	var meta map[string]bencode.Bytes
	if err := bencode.Unmarshal(text, &meta); err != nil {
		t.Fatal(err)
	}
	if _, ok := meta["url-list"]; !ok {
		t.Error("the torrent names no web seed")
	}
	delete(meta, "url-list")
	text, err = bencode.Marshal(meta)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// npmPackages is where e2e/npm was installed; the test installs when it was not.
func npmPackages(ctx context.Context, t *testing.T) string {
	t.Helper()
	modules := filepath.Join("npm", "node_modules")
	if !installed(t, modules) {
		cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--silent", "--ignore-scripts")
		cmd.Dir = "npm"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
	}
	abs, err := filepath.Abs(modules)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// installed tells whether every package that e2e/npm names is there in its version.
func installed(t *testing.T, modules string) bool {
	t.Helper()
	read := func(file string, into any) bool {
		raw, err := os.ReadFile(file)
		return err == nil && json.Unmarshal(raw, into) == nil
	}
	var want struct {
		Packages map[string]string `json:"devDependencies"`
	}
	if !read(filepath.Join("npm", "package.json"), &want) {
		t.Fatal("npm/package.json cannot be read")
	}
	for name, version := range want.Packages {
		var have struct {
			Version string `json:"version"`
		}
		if !read(filepath.Join(modules, name, "package.json"), &have) || strings.TrimPrefix(have.Version, "v") != version {
			return false
		}
	}
	return true
}

// The command line made for PeerTube publishes here unmodified and within the
// usual limits, for the administrator and for a user.
func TestPeerTubeCommandLine(t *testing.T) {
	ctx := slow(t, 4*time.Minute)
	cli := filepath.Join(npmPackages(ctx, t), ".bin", "peertube-cli")
	clip, err := rig.Clip(ctx, t.TempDir(), 30, 640, 360) // seconds of transcoding, in which it polls
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"root", "alice"} {
		t.Run(user, func(t *testing.T) {
			i := start(ctx, t, rig.Options{Settings: map[string]any{"rates_limit.api.max": 50, "rates_limit.login.max": 15}})
			c := root(ctx, t, i)
			if user != "root" {
				if err := c.AddUser(ctx, user); err != nil {
					t.Fatal(err)
				}
			}
			home := t.TempDir()
			run := func(args ...string) string {
				t.Helper()
				cmd := exec.CommandContext(ctx, cli, args...)
				cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home)
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("peertube-cli %s: %v\n%s", args[0], err, out)
				}
				return string(out)
			}
			login := []string{"--url", i.Origin, "--username", user, "--password", rig.Password}
			name := "From the command line of " + user
			run(append([]string{"auth", "add"}, login...)...)
			if all := run("auth", "list"); !strings.Contains(all, i.Origin) || !strings.Contains(all, user) {
				t.Errorf("auth list prints %s", all)
			}
			token := c.Token
			c.Token = strings.TrimSpace(run(append([]string{"get-access-token"}, login...)...))
			if err := c.Get(ctx, "/api/v1/users/me", nil); err != nil {
				t.Errorf("get-access-token prints %q: %v", c.Token, err)
			}
			c.Token = token
			if user == "root" {
				for _, list := range [][]string{{"plugins", "list"}, {"redundancy", "list-my-redundancies"}, {"redundancy", "list-remote-redundancies"}} {
					run(append(list, login...)...)
				}
			}
			run("auth", "del", i.Origin)
			run(append([]string{"upload", "--file", clip, "--video-name", name, "--privacy", "1"}, login...)...)
			eventually(ctx, t, time.Minute, "the video is listed", func(ctx context.Context) (bool, error) {
				found, err := named(ctx, c, name)
				return len(found) == 1, err
			})
		})
	}
}

// The three lines of the README work as written.
func TestReadme(t *testing.T) {
	i, _ := shared.get(t)
	ctx := slow(t, 3*time.Minute)
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)<!-- readme-test.*?```sh\n(.*?)```").FindSubmatch(text)
	if block == nil {
		t.Fatal("README.md has no block for this test")
	}
	script := strings.Replace(string(block[1]), "'what the first start printed'", "'"+rig.Password+"'", 1)
	script = strings.Replace(script, "http://localhost:9000", i.Origin, 1)
	dir := t.TempDir()
	clip, err := rig.Clip(ctx, dir, 3, 320, 240)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(clip, filepath.Join(dir, "video.mp4")); err != nil {
		t.Fatal(err)
	}
	// xdg-open would start a browser on a desktop.
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte("#!/bin/sh\necho \"$1\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, "bash", "-euc", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	page := strings.TrimSpace(string(out))
	if err != nil || !strings.HasPrefix(page, i.Origin+"/w/") {
		t.Fatalf("the lines print %q, %v", out, err)
	}
	c := root(ctx, t, i)
	if _, err := c.WaitPublished(ctx, strings.TrimPrefix(page, i.Origin+"/w/"), 2*time.Minute); err != nil {
		t.Fatal(err)
	}
	var html bytes.Buffer
	res, err := http.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := html.ReadFrom(res.Body); err != nil || res.StatusCode != http.StatusOK || !strings.Contains(html.String(), "My first video") {
		t.Errorf("the page answers %s without the video's name, %v", res.Status, err)
	}
}
