package storage_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/video/storage/storagetest"
)

func open(t *testing.T, dir string, reserve uint64) *storage.FS {
	t.Helper()
	s, err := storage.OpenFS(dir, reserve)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestFS(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store { return open(t, filepath.Join(t.TempDir(), "new", "store"), 0) })
}

// TestFSOtherDisk: PutFile copies when the file lies on another file system.
func TestFSOtherDisk(t *testing.T) {
	s := open(t, t.TempDir(), 0)
	f, err := os.CreateTemp("/dev/shm", "storage-test")
	if err != nil {
		t.Skip("no second file system")
	}
	path := f.Name()
	t.Cleanup(func() { _ = os.Remove(path) })
	if _, err := f.WriteString("from afar"); err != nil || f.Close() != nil {
		t.Fatal(err)
	}
	if err := s.PutFile(t.Context(), "x/y", path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the source is still there: %v", err)
	}
	if got := content(t, s, "x/y"); got != "from afar" {
		t.Errorf("object holds %q", got)
	}
}

func content(t *testing.T, s storage.Store, key string) string {
	t.Helper()
	r, err := s.Open(t.Context(), key)
	if err != nil {
		t.Fatalf("Open(%s) = %v", key, err)
	}
	b, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestFSLinks: a symbolic link in the store is not followed, wherever it points
// and in whatever part of the key it stands. SEC-56
func TestFSLinks(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	s := open(t, dir, 0)
	if _, err := s.Put(t.Context(), "inner/object", strings.NewReader("inside")); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(outside, "secret")
	err := errors.Join(
		os.WriteFile(secret, []byte("secret"), 0o600),
		os.Symlink(secret, filepath.Join(dir, "file")),
		os.Symlink(outside, filepath.Join(dir, "folder")),
		os.Symlink("inner/object", filepath.Join(dir, "file-inside")),
		os.Symlink("inner", filepath.Join(dir, "folder-inside")),
		os.Symlink("loop", filepath.Join(dir, "loop")),
		syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"file", "folder/secret", "folder/new", "file-inside", "folder-inside/object", "folder-inside/new", "loop", "loop/x", "pipe"} {
		if r, err := s.Open(t.Context(), key); err == nil {
			b, _ := io.ReadAll(r)
			t.Errorf("Open(%s) reads %q", key, b)
		}
		if o, err := s.Stat(t.Context(), key); err == nil {
			t.Errorf("Stat(%s) = %+v", key, o)
		}
		if err := s.Delete(t.Context(), key); strings.Contains(key, "/") && err == nil {
			t.Errorf("Delete(%s) was accepted", key)
		}
		if _, err := s.Put(t.Context(), key, strings.NewReader("overwritten")); strings.Contains(key, "/") && err == nil {
			t.Errorf("Put(%s) was accepted", key)
		}
	}
	if b, err := os.ReadFile(secret); err != nil || string(b) != "secret" {
		t.Errorf("the file outside holds %q, %v", b, err)
	}
	if entries, _ := os.ReadDir(outside); len(entries) != 1 {
		t.Errorf("the folder outside holds %v", entries)
	}
	if got := content(t, s, "inner/object"); got != "inside" {
		t.Errorf("object holds %q", got)
	}
	// A link at the last place is replaced by the object, not written through.
	if got := content(t, s, "file"); got != "overwritten" {
		t.Errorf("object holds %q", got)
	}
	err = s.Walk(t.Context(), "", func(o storage.Object) error {
		if strings.HasPrefix(o.Key, "folder") {
			t.Errorf("Walk tells of %s", o.Key)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestFSFull: a full disk refuses, keeps what was there, leaves no part behind
// and works again when there is room. REL-16
func TestFSFull(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("a small file system needs root: %s", out)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	s := open(t, dir, 0)
	old := strings.Repeat("o", 1<<20)
	if _, err := s.Put(t.Context(), "a/old", strings.NewReader(old)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "a/old", bytes.NewReader(make([]byte, 8<<20))); !errors.Is(err, storage.ErrFull) {
		t.Errorf("Put = %v, want ErrFull", err)
	}
	if got := content(t, s, "a/old"); got != old {
		t.Errorf("the old object has changed to %d bytes", len(got))
	}
	if parts, err := os.ReadDir(s.Scratch()); err != nil || len(parts) != 0 {
		t.Errorf("parts left: %v, %v", parts, err)
	}
	if _, err := s.Put(t.Context(), "a/new", bytes.NewReader(make([]byte, 2<<20))); err != nil {
		t.Errorf("Put with room = %v", err)
	}
	reserved := open(t, dir, 2<<20)
	if free, err := reserved.Free(); err != nil || free != 0 {
		t.Errorf("Free = %d, %v, want 0 above the reserve", free, err)
	}
	if _, err := reserved.Put(t.Context(), "b", strings.NewReader("x")); !errors.Is(err, storage.ErrFull) {
		t.Errorf("Put into the reserve = %v, want ErrFull", err)
	}
	if err := reserved.Delete(t.Context(), "a/new"); err != nil {
		t.Fatal(err)
	}
	if _, err := reserved.Put(t.Context(), "b", strings.NewReader("x")); err != nil {
		t.Errorf("Put after room was made = %v", err)
	}
}

// TestFSScratch: what a dead process left goes after a day, what another one is
// writing stays.
func TestFSScratch(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 0)
	old, busy, young := filepath.Join(s.Scratch(), "old"), filepath.Join(s.Scratch(), "busy"), filepath.Join(s.Scratch(), "young")
	past := time.Now().Add(-25 * time.Hour)
	err := errors.Join(
		os.Mkdir(busy, 0o700), os.WriteFile(filepath.Join(busy, "out.mp4"), []byte("x"), 0o600), os.Chtimes(busy, past, past),
		os.Mkdir(old, 0o700), os.WriteFile(filepath.Join(old, "out.mp4"), []byte("x"), 0o600),
		os.Chtimes(filepath.Join(old, "out.mp4"), past, past), os.Chtimes(old, past, past),
		os.WriteFile(young, []byte("x"), 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutFile(t.Context(), "from/scratch", young); err != nil { // moved, not copied
		t.Fatal(err)
	}
	open(t, dir, 0)
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an old part is left: %v", err)
	}
	if _, err := os.Stat(filepath.Join(busy, "out.mp4")); err != nil {
		t.Errorf("a part in use is gone: %v", err)
	}
	if err := s.Walk(t.Context(), "", func(o storage.Object) error {
		if o.Key != "from/scratch" {
			t.Errorf("Walk tells of %s", o.Key)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestFSPath(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 0)
	if p, err := s.Path("a/b.mp4"); err != nil || p != filepath.Join(dir, "a", "b.mp4") {
		t.Errorf("Path = %q, %v", p, err)
	}
	for _, key := range storagetest.Traversals() {
		if p, err := s.Path(key); !errors.Is(err, storage.ErrKey) {
			t.Errorf("Path(%q) = %q, %v", key, p, err)
		}
	}
	if u, public := s.URL("a"); u != "" || public {
		t.Errorf("URL = %q, %v", u, public)
	}
}

func TestOpenFSFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		if s, err := storage.OpenFS(dir, 0); err == nil {
			t.Errorf("OpenFS(%s) = %v", dir, s)
		}
	}
}

func FuzzCheckKey(f *testing.F) {
	for _, k := range storagetest.Traversals() {
		f.Add(k)
	}
	f.Add("web-videos/a.mp4")
	f.Fuzz(func(t *testing.T, key string) {
		if storage.CheckKey(key) != nil {
			return
		}
		// What is accepted is its own clean form and stays below any folder.
		if filepath.Join("/store", key) != "/store/"+key || !filepath.IsLocal(key) || strings.Contains(key, "/.") || strings.Contains(key, "\\") {
			t.Errorf("CheckKey accepts %q", key)
		}
	})
}
