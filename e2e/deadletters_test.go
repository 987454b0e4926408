package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/e2e/rig"
	"github.com/kinemesh/kinemesh/jobs"
)

// lostArgs is a job that no server knows how to do.
type lostArgs struct{}

func (lostArgs) Kind() string { return "e2e.lost" }

// What was received and given up, and a job that failed, are seen and tried again
// beside the running server. REL-10
func TestDeadLetters(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			ctx := slow(t, 3*time.Minute)
			database, redis := e.urls(t)
			i := start(ctx, t, rig.Options{DatabaseURL: database, RedisURL: redis, Settings: map[string]any{"transcoding.enabled": false}})
			c := root(ctx, t, i)
			clip, err := rig.Clip(ctx, t.TempDir(), 1, 160, 90)
			if err != nil {
				t.Fatal(err)
			}
			v, err := c.Upload(ctx, clip, rig.Fields{"name": "Commented"})
			if err == nil {
				_, err = c.WaitPublished(ctx, v.UUID, time.Minute)
			}
			if err != nil {
				t.Fatal(err)
			}
			change := func(do func(tx *db.Tx) error) {
				t.Helper()
				d, err := db.Open(ctx, databaseOf(i, database), db.MaxConns(2))
				if err != nil {
					t.Fatal(err)
				}
				if err := d.Tx(ctx, do); err != nil {
					t.Error(err)
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			}

			// A comment is only named, and its origin is in trouble until the last attempt.
			remote := aptest.New(t)
			by := remote.Actor(actor.Person, "visitor")
			note := remote.Origin + "/notes/1"
			remote.ServeStatus(note, http.StatusInternalServerError)
			if status := by.Post(i.Origin+"/inbox", by.Activity("Create", note, map[string]any{"id": note + "/activity"})); status != http.StatusNoContent {
				t.Fatalf("answered %d", status)
			}
			eventually(ctx, t, 30*time.Second, "the first attempt", func(context.Context) (bool, error) { return remote.Fetches("/notes/1") > 0, nil })
			eventually(ctx, t, time.Minute, "it is given up", func(ctx context.Context) (bool, error) {
				change(func(tx *db.Tx) error {
					if err := tx.Exec("UPDATE inbox SET attempts = 5, next_at = ? WHERE state = 'waiting'", db.Now()).Error; err != nil {
						return err
					}
					return tx.Exec("UPDATE jobs SET run_at = ? WHERE kind = 'activitypub.process' AND state = 'waiting'", db.Now()).Error
				})
				return list(ctx, t, i, "federation", "deadletters", "--received").Total == 1, nil
			})
			dead := list(ctx, t, i, "federation", "deadletters", "--received", "--host", remote.Host).Data[0]
			if dead.Attempts != 6 || dead.Activity.Type != "Create" || !strings.Contains(dead.Error, "500") {
				t.Errorf("dead letter %+v", dead)
			}
			if got := list(ctx, t, i, "federation", "deadletters"); got.Total != 0 {
				t.Errorf("deliveries that were given up: %+v", got)
			}
			comments := func(ctx context.Context) (total int, err error) {
				var found struct{ Total int }
				err = c.Get(ctx, "/api/v1/videos/"+v.UUID+"/comment-threads", &found)
				return found.Total, err
			}
			if n, err := comments(ctx); n != 0 || err != nil {
				t.Errorf("%d comments, %v", n, err)
			}
			remote.Serve(note, map[string]any{
				"@context": "https://www.w3.org/ns/activitystreams", "type": "Note", "id": note, "url": note, "attributedTo": by.IRI,
				"inReplyTo": i.Origin + "/videos/watch/" + v.UUID, "content": "<p>At last</p>", "published": time.Now().UTC().Format(time.RFC3339),
				"to": []string{"https://www.w3.org/ns/activitystreams#Public"}, "cc": []string{},
			})
			if out, errs, err := cli(ctx, t, i, "federation", "retry", fmt.Sprint(dead.ID)); err != nil || out != "1 activities are tried again\n" {
				t.Errorf("retry: %v, %q\n%s", err, out, errs)
			}
			eventually(ctx, t, 30*time.Second, "the comment is there", func(ctx context.Context) (bool, error) {
				n, err := comments(ctx)
				return n == 1, err
			})
			if got := list(ctx, t, i, "federation", "deadletters", "--received"); got.Total != 0 {
				t.Errorf("dead letters: %+v", got)
			}
			retryJob(ctx, t, i, change)
			for _, args := range [][]string{{"federation", "retry"}, {"federation", "retry", "x"}, {"jobs", "retry"}, {"jobs", "list", "--state", "dead"}, {"jobs", "list", "x"}} {
				if out, _, err := cli(ctx, t, i, args...); err == nil {
					t.Errorf("%v was taken: %s", args, out)
				}
			}
		})
	}
}

// retryJob has a job fail twice: the second time because it was run again.
func retryJob(ctx context.Context, t *testing.T, i *rig.Instance, change func(func(tx *db.Tx) error)) {
	t.Helper()
	type failed struct {
		Total int
		Data  []struct {
			ID          int64
			Type        string
			ProcessedOn time.Time
			Error       struct{ Message string }
		}
	}
	find := func(ctx context.Context) (f failed, err error) {
		out, errs, err := cli(ctx, t, i, "jobs", "list", "--state", "failed", "--json")
		if err != nil {
			return f, fmt.Errorf("%w: %s", err, errs)
		}
		return f, json.Unmarshal([]byte(out), &f)
	}
	var first failed
	change(func(tx *db.Tx) error { return jobs.Insert(tx, lostArgs{}) })
	eventually(ctx, t, 30*time.Second, "the job fails", func(ctx context.Context) (bool, error) {
		var err error
		first, err = find(ctx)
		return first.Total == 1, err
	})
	if j := first.Data[0]; j.Type != "e2e.lost" || j.Error.Message != "no handler for e2e.lost" {
		t.Errorf("failed job %+v", j)
	}
	if out, errs, err := cli(ctx, t, i, "jobs", "retry", fmt.Sprint(first.Data[0].ID)); err != nil || out != "1 jobs run again\n" {
		t.Errorf("retry: %v, %q\n%s", err, out, errs)
	}
	eventually(ctx, t, 15*time.Second, "the job has run again", func(ctx context.Context) (bool, error) {
		again, err := find(ctx)
		return again.Total == 1 && again.Data[0].ProcessedOn.After(first.Data[0].ProcessedOn), err
	})
}
