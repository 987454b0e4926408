package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func prepared(t *testing.T, dir string) *Config {
	t.Helper()
	c := Default()
	c.DataDir = dir
	if err := c.Complete(); err != nil {
		t.Fatal(err)
	}
	if err := c.Prepare(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPrepare(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	first := prepared(t, dir)
	info, err := os.Stat(filepath.Join(dir, "secret"))
	if err != nil || info.Mode() != fs.FileMode(0o600) {
		t.Errorf("secret: %v, %v, want a file for its owner alone", info, err)
	}
	if len(first.Secrets.PeerTube) != 64 {
		t.Errorf("the secret has %d characters, want 64", len(first.Secrets.PeerTube))
	}
	for _, folder := range []string{"web-videos", "streaming-playlists", "tmp", "torrents", "avatars"} {
		if info, err := os.Stat(filepath.Join(dir, folder)); err != nil || !info.IsDir() {
			t.Errorf("%s: %v", folder, err)
		}
	}
	if second := prepared(t, dir); second.Secrets.PeerTube != first.Secrets.PeerTube {
		t.Error("the second start made another secret")
	}
	if other := prepared(t, t.TempDir()); other.Secrets.PeerTube == first.Secrets.PeerTube {
		t.Error("two servers have the same secret")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "secret-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestPrepareKeepsSetSecret(t *testing.T) {
	c := Default()
	c.DataDir = t.TempDir()
	c.Secrets.PeerTube = "chosen"
	if err := c.Complete(); err != nil {
		t.Fatal(err)
	}
	if err := c.Prepare(); err != nil || c.Secrets.PeerTube != "chosen" {
		t.Errorf("secret %q, %v", string(c.Secrets.PeerTube), err)
	}
	if _, err := os.Stat(filepath.Join(c.DataDir, "secret")); err == nil {
		t.Error("a secret was made although one is set")
	}
}

func TestPrepareAtOnce(t *testing.T) {
	dir := t.TempDir()
	secrets := make([]Secret, 16)
	var wg sync.WaitGroup
	for i := range secrets {
		wg.Go(func() { secrets[i] = prepared(t, dir).Secrets.PeerTube })
	}
	wg.Wait()
	for _, s := range secrets {
		if s != secrets[0] {
			t.Fatal("processes that start at once have different secrets")
		}
	}
}

func TestPrepareRefusals(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := Default()
	c.DataDir = filepath.Join(file, "data")
	if err := c.Complete(); err != nil {
		t.Fatal(err)
	}
	if err := c.Prepare(); err == nil || !contains(err.Error(), file) {
		t.Errorf("folder below a file: %v, want an error naming it", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c = Default()
	c.DataDir = dir
	if err := c.Complete(); err != nil {
		t.Fatal(err)
	}
	if err := c.Prepare(); err == nil || contains(err.Error(), "short") {
		t.Errorf("damaged secret: %v, want a refusal that does not show it", err)
	}
}

// Tools work in folders of their own, so relative settings mean ours.
func TestPrepareMakesFoldersAbsolute(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	c, _, err := Load("", []string{"KINEMESH_DATA_DIR=./data", "KINEMESH_STORAGE_TMP=scratch"})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Prepare(); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{c.DataDir, c.Storage.Tmp, c.Storage.WebVideos, c.Storage.StreamingPlaylists} {
		if info, err := os.Stat(folder); !filepath.IsAbs(folder) || err != nil || !info.IsDir() {
			t.Errorf("%s: %v, want an absolute folder that is there", folder, err)
		}
	}
	if filepath.Base(c.Storage.Tmp) != "scratch" || filepath.Base(c.DataDir) != "data" {
		t.Errorf("folders %s and %s", c.DataDir, c.Storage.Tmp)
	}
}
