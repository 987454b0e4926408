package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// TestUsageNamesOperands: the first line of a command's help names all that it
// takes.
func TestUsageNamesOperands(t *testing.T) {
	for name, want := range map[string]string{
		"videos move-storage": "KIND FOLDER", "import-file": "FILE --channel NAME", "user create": "NAME --email ADDRESS", "user reset-password": "NAME",
		"user ban": "NAME", "user unban": "NAME", "user list": "", "token": "NAME", "follow add": "HOST|NAME@HOST|ADDRESS...", "follow remove": "HOST|NAME@HOST...",
		"federation block": "HOST...", "federation limit": "HOST...", "federation allow": "HOST...", "federation unblock": "HOST...", "federation retry": "[ID...]",
		"backup": "FOLDER", "restore": "FOLDER", "jobs retry": "[ID...]", "actor move": "NAME ACTOR", "actor alias": "NAME [ACTOR...]",
	} {
		c, _, err := command().Find(strings.Fields(name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := strings.TrimSuffix(c.UseLine(), " [flags]"); got != strings.TrimSpace("kinemesh "+name+" "+want) {
			t.Errorf("%s is used as %q, want its operands %q", name, got, want)
		}
	}
}

// TestMoveStorageKinds: a folder is named as the settings do, with _ or -.
func TestMoveStorageKinds(t *testing.T) {
	s, _ := assembleWhole(t, dbtest.SQLite(t))
	run := func(args ...string) error {
		for _, m := range s.engine.Modules() {
			for _, c := range m.Commands {
				if c.Use == "videos move-storage" {
					return c.Run(t.Context(), t.Output(), args)
				}
			}
		}
		return fmt.Errorf("no such command")
	}
	for _, kind := range []string{"original_video_files", "original-video-files", "sources", "web_videos", "web-videos", "streaming_playlists", "avatars"} {
		if err := run(kind, t.TempDir()); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	const names = "avatars, captions, original_video_files, previews, redundancy, storyboards, streaming_playlists, thumbnails, torrents, web_videos"
	for _, kind := range []string{"holidays", "tmp", ""} {
		if err := run(kind, t.TempDir()); err == nil || !strings.HasSuffix(err.Error(), "should be one of "+names) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if err := run("web_videos"); err == nil || !strings.Contains(err.Error(), "kinemesh videos move-storage KIND FOLDER") {
		t.Errorf("one operand: %v", err)
	}
}
