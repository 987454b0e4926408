package storage_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/video/storage/storagetest"
)

func folder(t *testing.T, name string) *storage.FS {
	t.Helper()
	s, err := storage.OpenFS(filepath.Join(t.TempDir(), name), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestFoldersIsAStore(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store {
		return &storage.Folders{Named: map[string]storage.Store{"elsewhere": folder(t, "elsewhere")}, Rest: folder(t, "rest")}
	})
}

func TestFoldersPickByTheFirstName(t *testing.T) {
	ctx := context.Background()
	videos, rest := folder(t, "videos"), folder(t, "rest")
	s := &storage.Folders{Named: map[string]storage.Store{"web-videos": videos}, Rest: rest}
	for _, key := range []string{"web-videos/a/b.mp4", "avatars/a.jpg", "zebra/z.jpg"} {
		if _, err := s.Put(ctx, key, strings.NewReader(key)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := videos.Stat(ctx, "a/b.mp4"); err != nil {
		t.Errorf("the video is not in its folder: %v", err)
	}
	if _, err := rest.Stat(ctx, "avatars/a.jpg"); err != nil {
		t.Errorf("the picture is not with the rest: %v", err)
	}
	for prefix, want := range map[string][]string{
		"":             {"avatars/a.jpg", "web-videos/a/b.mp4", "zebra/z.jpg"},
		"web-videos":   {"web-videos/a/b.mp4"},
		"web-videos/a": {"web-videos/a/b.mp4"},
		"avatars":      {"avatars/a.jpg"},
	} {
		var got []string
		if err := s.Walk(ctx, prefix, func(o storage.Object) error { got = append(got, o.Key); return nil }); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("Walk(%q) = %v, want %v", prefix, got, want)
		}
	}
	if p, err := s.Path("web-videos/a/b.mp4"); err != nil || !strings.HasSuffix(p, "/videos/a/b.mp4") {
		t.Errorf("Path = %q, %v", p, err)
	}
}

func TestFoldersWithoutRestRefuseOthers(t *testing.T) {
	s := &storage.Folders{Named: map[string]storage.Store{"a": folder(t, "a")}}
	for _, key := range []string{"b/c", "a", "../a/b"} {
		if _, err := s.Put(context.Background(), key, strings.NewReader("x")); !errors.Is(err, storage.ErrKey) {
			t.Errorf("Put(%q) = %v, want ErrKey", key, err)
		}
	}
}
