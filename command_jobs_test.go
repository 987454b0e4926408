package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/console"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs"
)

type brokenArgs struct {
	Path string `json:"path"`
}

func (brokenArgs) Kind() string { return "test.broken" }

// TestJobCommands: tables, JSON and refusals of `kinemesh jobs`.
func TestJobCommands(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		handlers := []jobs.Handler{jobs.Handle(func(context.Context, brokenArgs) error { return nil }, jobs.As("video-transcoding"))}
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			for _, path := range []string{"a", "b", "c"} {
				if err := jobs.Insert(tx, brokenArgs{path}); err != nil {
					return err
				}
			}
			return tx.Model(&jobs.Job{}).Where("id < 3").
				Updates(map[string]any{"state": jobs.Dead, "attempts": 5, "last_error": "bad \x1b[31mred " + strings.Repeat("é", 200), "finished_at": db.Now()}).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		list := func(f jobs.Filter, l console.Listing) (string, error) {
			if l.Limit == 0 {
				l.Limit = 50
			}
			var out bytes.Buffer
			err := listJobs(t.Context(), &out, d, handlers, f, l)
			return out.String(), err
		}
		for _, c := range []struct {
			f     jobs.Filter
			l     console.Listing
			lines int
			has   string
		}{
			{jobs.Filter{}, console.Listing{}, 4, `{"path":"c"}`},
			{jobs.Filter{State: "failed"}, console.Listing{}, 3, "bad  [31mred éééé"},
			{jobs.Filter{State: "failed"}, console.Listing{Limit: 1}, 3, "1 of 2; more with --start 1"},
			{jobs.Filter{Type: "video-transcoding", State: "waiting"}, console.Listing{}, 2, "waiting  video-transcoding  0"},
			{jobs.Filter{Type: "video-import"}, console.Listing{}, 1, "TRIES"},
		} {
			out, err := list(c.f, c.l)
			if err != nil || strings.Count(out, "\n") != c.lines || !strings.Contains(out, c.has) {
				t.Errorf("%+v %+v: %v\n%s", c.f, c.l, err, out)
			}
		}
		out, err := list(jobs.Filter{State: "failed"}, console.Listing{JSON: true})
		var found struct {
			Total int
			Data  []jobs.Info
		}
		if err := errors.Join(err, json.Unmarshal([]byte(out), &found)); err != nil || found.Total != 2 || found.Data[0].ID != 2 || found.Data[0].Attempts != 5 || len(found.Data[0].Error.Message) < 400 {
			t.Errorf("%v %s", err, out)
		}
		for _, f := range []jobs.Filter{{State: "dead"}, {State: "paused"}} {
			if out, err := list(f, console.Listing{}); err == nil {
				t.Errorf("%+v was taken: %s", f, out)
			}
		}

		retry := func(all, asJSON bool, args ...string) string {
			var out bytes.Buffer
			if err := retryJobs(t.Context(), &out, d, args, all, asJSON); err != nil {
				return "refused"
			}
			return out.String()
		}
		for _, c := range []struct {
			got, want string
		}{
			{retry(false, false), "refused"},
			{retry(true, false, "1"), "refused"},
			{retry(false, false, "x"), "refused"},
			{retry(false, false, "0"), "refused"},
			{retry(false, false, "3"), "0 jobs run again\n"}, // waits
			{retry(false, false, "1"), "1 jobs run again\n"},
			{retry(true, true), "{\n  \"retried\": 1\n}\n"},
			{retry(true, false), "0 jobs run again\n"},
		} {
			if c.got != c.want {
				t.Errorf("got %q, want %q", c.got, c.want)
			}
		}
		if out, err := list(jobs.Filter{State: "waiting"}, console.Listing{}); err != nil || strings.Count(out, "\n") != 4 {
			t.Errorf("%v\n%s", err, out)
		}
	})
}
