// Package storagetest is the suite that every storage.Store passes.
package storagetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/kinemesh/kinemesh/video/storage"
)

// Run runs the suite. open returns an empty store; it is called once a test and
// closes what it opened in a cleanup.
func Run(t *testing.T, open func(t *testing.T) storage.Store) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, storage.Store){
		"put and open":     putAndOpen,
		"replace":          replace,
		"seek":             seek,
		"open while gone":  openWhileGone,
		"put file":         putFile,
		"put file fails":   putFileFails,
		"absent":           absent,
		"delete":           remove,
		"reader fails":     readerFails,
		"context":          endedContext,
		"walk":             walk,
		"traversal":        traversal,
		"good keys":        goodKeys,
		"folder is no key": folderIsNoKey,
		"at once":          atOnce,
		"large":            large,
		"URL":              address,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

const key = "web-videos/0f7c-720.mp4"

func put(t *testing.T, s storage.Store, key, data string) {
	t.Helper()
	n, err := s.Put(t.Context(), key, strings.NewReader(data))
	if err != nil || n != int64(len(data)) {
		t.Fatalf("Put(%s) = %d, %v, want %d", key, n, err, len(data))
	}
}

func holds(t *testing.T, s storage.Store, key, want string) {
	t.Helper()
	r, err := s.Open(t.Context(), key)
	if err != nil {
		t.Fatalf("Open(%s) = %v", key, err)
	}
	got, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil || string(got) != want {
		t.Errorf("Open(%s) holds %.100q, %v, want %.100q", key, got, err, want)
	}
}

func gone(t *testing.T, s storage.Store, key string) {
	t.Helper()
	if r, err := s.Open(t.Context(), key); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Open(%s) = %v, %v, want ErrNotFound", key, r, err)
	}
	if o, err := s.Stat(t.Context(), key); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Stat(%s) = %v, %v, want ErrNotFound", key, o, err)
	}
}

func keys(t *testing.T, s storage.Store, prefix string) []string {
	t.Helper()
	var out []string
	err := s.Walk(t.Context(), prefix, func(o storage.Object) error { out = append(out, o.Key); return nil })
	if err != nil {
		t.Fatalf("Walk(%q) = %v", prefix, err)
	}
	return out
}

func putAndOpen(t *testing.T, s storage.Store) {
	before := time.Now().Add(-2 * time.Second)
	for _, data := range []string{"hello", "", strings.Repeat("0123456789", 100_000)} {
		put(t, s, key, data)
		holds(t, s, key, data)
		o, err := s.Stat(t.Context(), key)
		if err != nil || o.Key != key || o.Size != int64(len(data)) || o.ModTime.Before(before) || o.ModTime.After(time.Now().Add(2*time.Second)) {
			t.Errorf("Stat = %+v, %v, want %d bytes", o, err, len(data))
		}
	}
}

func replace(t *testing.T, s storage.Store) {
	put(t, s, key, "a long first version")
	put(t, s, key, "second")
	holds(t, s, key, "second")
	if got := keys(t, s, ""); len(got) != 1 {
		t.Errorf("the store holds %v", got)
	}
}

func seek(t *testing.T, s storage.Store) {
	put(t, s, key, "0123456789")
	r, err := s.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, tt := range []struct {
		offset int64
		whence int
		at     int64
		want   string
	}{{4, io.SeekStart, 4, "45"}, {1, io.SeekCurrent, 7, "78"}, {-3, io.SeekEnd, 7, "78"}, {0, io.SeekStart, 0, "01"}, {0, io.SeekEnd, 10, ""}} {
		at, err := r.Seek(tt.offset, tt.whence)
		if err != nil || at != tt.at {
			t.Fatalf("Seek(%d, %d) = %d, %v, want %d", tt.offset, tt.whence, at, err, tt.at)
		}
		b := make([]byte, len(tt.want))
		if _, err := io.ReadFull(r, b); err != nil || string(b) != tt.want {
			t.Errorf("at %d: %q, %v, want %q", at, b, err, tt.want)
		}
	}
	if _, err := r.Seek(-1, io.SeekStart); err == nil {
		t.Error("Seek before the start was accepted")
	}
}

// openWhileGone: who reads is not disturbed by a new version or a deletion.
func openWhileGone(t *testing.T, s storage.Store) {
	put(t, s, key, "first")
	r, err := s.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, key, "second")
	if err := s.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil || string(got) != "first" {
		t.Errorf("read %q, %v, want the first version", got, err)
	}
	gone(t, s, key)
}

func putFile(t *testing.T, s storage.Store) {
	for _, data := range []string{"film", "", strings.Repeat("x", 3_000_000)} {
		path := filepath.Join(t.TempDir(), "out.mp4")
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.PutFile(t.Context(), key, path); err != nil {
			t.Fatalf("PutFile = %v", err)
		}
		holds(t, s, key, data)
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the file is still at its old place: %v", err)
		}
	}
}

func putFileFails(t *testing.T, s storage.Store) {
	put(t, s, key, "before")
	put(t, s, "a/file", "x")
	dir := t.TempDir()
	path, link := filepath.Join(dir, "f"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(path, []byte("new"), 0o600), os.Symlink(path, link)); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"nothing there": s.PutFile(t.Context(), key, filepath.Join(dir, "nothing")),
		"a folder":      s.PutFile(t.Context(), key, dir),
		"a link":        s.PutFile(t.Context(), key, link),
		"a bad key":     s.PutFile(t.Context(), "../"+key, path),
		"below a file":  s.PutFile(t.Context(), "a/file/b", path),
		"context":       s.PutFile(ended, key, path),
	} {
		if err == nil {
			t.Errorf("PutFile of %s was accepted", name)
		}
	}
	holds(t, s, key, "before")
	if b, err := os.ReadFile(path); err != nil || string(b) != "new" {
		t.Errorf("the source holds %q, %v", b, err)
	}
}

func absent(t *testing.T, s storage.Store) {
	put(t, s, key, "x")
	for _, k := range []string{"nothing", "web-videos/nothing.mp4", "no/such/folder/x", key + "/below"} {
		if _, err := s.Open(t.Context(), k); !errors.Is(err, storage.ErrNotFound) && !errors.Is(err, storage.ErrKey) {
			t.Errorf("Open(%s) = %v, want ErrNotFound", k, err)
		}
	}
	gone(t, s, "nothing")
	gone(t, s, "web-videos/nothing.mp4")
	gone(t, s, "no/such/folder/x")
}

func remove(t *testing.T, s storage.Store) {
	put(t, s, key, "x")
	put(t, s, "web-videos/other.mp4", "y")
	for range 2 { // the second time it is absent
		if err := s.Delete(t.Context(), key); err != nil {
			t.Fatalf("Delete = %v", err)
		}
	}
	gone(t, s, key)
	holds(t, s, "web-videos/other.mp4", "y")
	if err := s.Delete(t.Context(), "never/was/here"); err != nil {
		t.Errorf("Delete of nothing = %v", err)
	}
	put(t, s, key, "again")
	holds(t, s, key, "again")
}

// readerFails: a broken source changes nothing.
func readerFails(t *testing.T, s storage.Store) {
	put(t, s, key, "before")
	broken := io.MultiReader(strings.NewReader(strings.Repeat("z", 1_000_000)), iotest.ErrReader(io.ErrNoProgress))
	for _, k := range []string{key, "fresh/object"} {
		if _, err := s.Put(t.Context(), k, broken); !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("Put(%s) = %v, want the reader's error", k, err)
		}
	}
	holds(t, s, key, "before")
	gone(t, s, "fresh/object")
	if got := keys(t, s, ""); !slices.Equal(got, []string{key}) {
		t.Errorf("the store holds %v", got)
	}
}

func endedContext(t *testing.T, s storage.Store) {
	put(t, s, key, "before")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Put(ctx, key, strings.NewReader("new")); !errors.Is(err, context.Canceled) {
		t.Errorf("Put = %v", err)
	}
	if _, err := s.Open(ctx, key); !errors.Is(err, context.Canceled) {
		t.Errorf("Open = %v", err)
	}
	if _, err := s.Stat(ctx, key); !errors.Is(err, context.Canceled) {
		t.Errorf("Stat = %v", err)
	}
	if err := s.Delete(ctx, key); !errors.Is(err, context.Canceled) {
		t.Errorf("Delete = %v", err)
	}
	if err := s.Walk(ctx, "", func(storage.Object) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Walk = %v", err)
	}
	// Ended in the middle of a body that never does.
	ctx, cancel = context.WithCancel(t.Context())
	endless := readerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil })
	if _, err := s.Put(ctx, key, endless); !errors.Is(err, context.Canceled) {
		t.Errorf("Put of an endless body = %v", err)
	}
	holds(t, s, key, "before")
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func walk(t *testing.T, s storage.Store) {
	all := []string{"a/1", "a/2", "a/b/3", "ab/4", "top"}
	for _, k := range slices.Backward(all) {
		put(t, s, k, k)
	}
	for prefix, want := range map[string][]string{"": all, "a": all[:3], "a/": all[:3], "a/b": all[2:3], "none": nil, "ab": all[3:4]} {
		if got := keys(t, s, prefix); !slices.Equal(got, want) {
			t.Errorf("Walk(%q) = %v, want %v", prefix, got, want)
		}
	}
	stop := errors.New("stop")
	n := 0
	err := s.Walk(t.Context(), "", func(o storage.Object) error {
		if o.Size != int64(len(o.Key)) || o.ModTime.IsZero() {
			t.Errorf("object = %+v", o)
		}
		n++
		if n == 2 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || n != 2 {
		t.Errorf("Walk went on for %d objects: %v", n, err)
	}
	if err := s.Walk(t.Context(), "../x", nil); !errors.Is(err, storage.ErrKey) {
		t.Errorf("Walk out of the store = %v", err)
	}
}

// traversal: no spelling leads out, or to another object than the one named.
func traversal(t *testing.T, s storage.Store) { // SEC-56
	put(t, s, "inner/object", "secret")
	spellings := Traversals()
	if len(spellings) < 108 {
		t.Fatalf("only %d spellings", len(spellings))
	}
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, k := range spellings {
		_, putErr := s.Put(t.Context(), k, strings.NewReader("x"))
		_, openErr := s.Open(t.Context(), k)
		_, statErr := s.Stat(t.Context(), k)
		for name, err := range map[string]error{
			"Put": putErr, "PutFile": s.PutFile(t.Context(), k, file), "Open": openErr, "Stat": statErr, "Delete": s.Delete(t.Context(), k),
		} {
			if !errors.Is(err, storage.ErrKey) {
				t.Errorf("%s(%q) = %v, want ErrKey", name, k, err)
			}
		}
	}
	holds(t, s, "inner/object", "secret")
	if got := keys(t, s, ""); !slices.Equal(got, []string{"inner/object"}) {
		t.Errorf("the store holds %v", got)
	}
}

// Traversals are spellings of paths that a store must refuse.
func Traversals() []string {
	ups := []string{
		"..", "../", "./..", "../..", "..\\", "..\\..", "....//", "..;/", "%2e%2e/", "%2e%2e%2f", "..%2f", "..%5c", "%252e%252e%252f",
		"..%c0%af", "..%ef%bc%8f", "\u2024\u2024/", "..\u2215", "..\uff0f", ".\u200d./", "..\x00/", " ../", ".. /", "...", "..../", "./", ".", "",
		"/", "//", "\\", "\\\\", "//?/", "C:/", "C:", "~/", "file:///", "inner/../", "inner/../../", "inner//", "inner/./", "inner\\..\\", "inner/..;/",
	}
	targets := []string{"etc/passwd", "inner/object", ".tmp/x"}
	var out []string
	for _, up := range ups {
		for _, target := range targets {
			k := up + target
			if !slices.Contains([]string{"etc/passwd", "inner/object"}, k) { // up was empty
				out = append(out, k)
			}
		}
	}
	return append(out, "", ".", "..", "/", "inner/", "inner/.", "inner/..", "inner/object/", "inner/object/.", ".hidden", "inner/.hidden",
		"a\x00b", "a\nb", "a\tb", "a\x7fb", "a b", "caf\u00e9", "\xff\xfe", "a:b", "a*b", "a?b", `a"b`, "a<b", "a>b", "a|b", "a%b", "trailing.", "dir./x",
		strings.Repeat("x", 256), strings.Repeat("x/", 512)+"y")
}

func goodKeys(t *testing.T, s storage.Store) {
	for _, k := range []string{
		"a", "0", "a.b", "a..b", "a-b_c", "web-videos/0b1e7a4c-9f6d-4f0e-8a57-4b8f9a1c2d3e-720.mp4", "a/b/c/d/e/f/g/h", "UPPER/lower",
		strings.Repeat("n", 255), "x/" + strings.Repeat("n", 255), "#sharp", "plus+", "comma,", "bracket[1]", "quote'", "at@sign", "a=b&c",
	} {
		if err := storage.CheckKey(k); err != nil {
			t.Errorf("CheckKey(%q) = %v", k, err)
			continue
		}
		put(t, s, k, k)
		holds(t, s, k, k)
		if err := s.Delete(t.Context(), k); err != nil {
			t.Errorf("Delete(%q) = %v", k, err)
		}
	}
	if got := keys(t, s, ""); len(got) != 0 {
		t.Errorf("the store holds %v", got)
	}
}

func folderIsNoKey(t *testing.T, s storage.Store) {
	put(t, s, "dir/object", "x")
	gone(t, s, "dir")
	if _, err := s.Put(t.Context(), "dir/object/below", strings.NewReader("y")); err == nil {
		t.Error("Put below an object was accepted")
	}
	if err := s.Delete(t.Context(), "dir"); err != nil {
		t.Errorf("Delete of a folder = %v, want nothing done", err)
	}
	holds(t, s, "dir/object", "x")
}

// atOnce: writers, readers and deleters of the same keys meet whole versions
// only.
func atOnce(t *testing.T, s storage.Store) {
	version := func(i int) string { return strings.Repeat(string(rune('a'+i)), 50_000) }
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			for n := range 15 {
				k := fmt.Sprintf("shared/%d/object", n%2)
				if _, err := s.Put(t.Context(), k, strings.NewReader(version(i))); err != nil {
					t.Errorf("Put = %v", err)
				}
				if i == 0 {
					if err := s.Delete(t.Context(), k); err != nil {
						t.Errorf("Delete = %v", err)
					}
				}
				r, err := s.Open(t.Context(), k)
				if errors.Is(err, storage.ErrNotFound) {
					continue
				}
				if err != nil {
					t.Errorf("Open = %v", err)
					continue
				}
				b, err := io.ReadAll(r)
				if err := errors.Join(err, r.Close()); err != nil || len(b) != 50_000 || strings.Trim(string(b), string(b[:1])) != "" {
					t.Errorf("read %d bytes of a mixed version: %v", len(b), err)
				}
			}
		})
	}
	wg.Wait()
}

// large: 64 MiB go through without being held, as a hash on both ends.
func large(t *testing.T, s storage.Store) {
	const size = 64 << 20
	in, out := sha256.New(), sha256.New()
	src := io.LimitReader(readerFunc(func(p []byte) (int, error) {
		for i := range p {
			p[i] = byte(i * 7)
		}
		return len(p), nil
	}), size)
	n, err := s.Put(t.Context(), key, io.TeeReader(src, in))
	if err != nil || n != size {
		t.Fatalf("Put = %d, %v", n, err)
	}
	r, err := s.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	n, err = io.Copy(out, r)
	if err := errors.Join(err, r.Close()); err != nil || n != size || !bytes.Equal(in.Sum(nil), out.Sum(nil)) {
		t.Errorf("read %d bytes: %v, hashes equal: %v", n, err, bytes.Equal(in.Sum(nil), out.Sum(nil)))
	}
}

func address(t *testing.T, s storage.Store) {
	u, public := s.URL(key)
	if public && u == "" {
		t.Error("URL is public but empty")
	}
	if public && !strings.HasSuffix(u, "/"+key) {
		t.Errorf("URL = %q does not end in the key", u)
	}
}
