package e2e

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// followStates gives the states of the instance's follows on one side, by host.
func followStates(ctx context.Context, c *rig.Client, side string) (map[string]string, error) {
	var list struct {
		Data []struct {
			State               string `json:"state"`
			Follower, Following struct {
				Host string `json:"host"`
			}
		} `json:"data"`
	}
	err := c.Get(ctx, "/api/v1/server/"+side+"?count=100", &list)
	out := map[string]string{}
	for _, f := range list.Data {
		if side == "followers" {
			out[f.Follower.Host] = f.State
		} else {
			out[f.Following.Host] = f.State
		}
	}
	return out, err
}

// TestFollowSettings: what the settings say about followers holds through the
// whole binary: approval by hand, closed, follow back.
func TestFollowSettings(t *testing.T) {
	ctx := slow(t, 2*time.Minute)
	byHand := startOn(ctx, t, engines()[0], map[string]any{"followers.instance.manual_approval": true})
	closed := startOn(ctx, t, engines()[0], map[string]any{"followers.instance.enabled": false})
	friendly := startOn(ctx, t, engines()[0], map[string]any{"followings.instance.auto_follow_back.enabled": true})
	asker := startOn(ctx, t, engines()[0], nil)
	c := root(ctx, t, asker)
	for _, i := range []*rig.Instance{byHand, closed, friendly} {
		if err := c.Follow(ctx, i.Host); err != nil {
			t.Fatal(err)
		}
	}
	is := func(c *rig.Client, side, host, state string) {
		t.Helper()
		eventually(ctx, t, 30*time.Second, side+" of "+host+" "+state, func(ctx context.Context) (bool, error) {
			got, err := followStates(ctx, c, side)
			return got[host] == state, err
		})
	}
	admin := root(ctx, t, byHand)
	is(admin, "followers", asker.Host, "pending")
	is(c, "following", closed.Host, "rejected")
	is(c, "following", friendly.Host, "accepted")
	is(c, "followers", friendly.Host, "accepted")
	is(c, "following", byHand.Host, "pending")
	handle := url.PathEscape("peertube@" + asker.Host)
	if err := admin.Send(ctx, http.MethodPost, "/api/v1/server/followers/"+handle+"/accept", nil, nil); err != nil {
		t.Fatal(err)
	}
	is(c, "following", byHand.Host, "accepted")
	if _, err := admin.Do(ctx, http.MethodDelete, "/api/v1/server/followers/"+handle, http.NoBody, nil, nil); err != nil {
		t.Fatal(err)
	}
	is(c, "following", byHand.Host, "rejected")
	if err := c.Follow(ctx, byHand.Host); err != nil {
		t.Fatal(err)
	}
	is(admin, "followers", asker.Host, "pending")
}

// TestMoveCommand: a channel moves to another server by two commands, while both
// servers run.
func TestMoveCommand(t *testing.T) {
	ctx := slow(t, time.Minute)
	a, b := startOn(ctx, t, engines()[0], nil), startOn(ctx, t, engines()[0], nil)
	onA, onB := root(ctx, t, a), root(ctx, t, b)
	for _, c := range []*rig.Client{onA, onB} {
		if err := c.Send(ctx, http.MethodPost, "/api/v1/video-channels", map[string]any{"name": "films", "displayName": "Films"}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := a.Run(ctx, "actor", "move", "films", "films@"+b.Host); err == nil {
		t.Fatalf("moved to somebody who does not know: %s", out)
	}
	if out, err := b.Run(ctx, "actor", "alias", "films", "films@"+a.Host); err != nil || !strings.Contains(out, a.Origin+"/video-channels/films") {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := a.Run(ctx, "actor", "move", "films", "films@"+b.Host); err != nil || !strings.Contains(out, b.Origin+"/video-channels/films") {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := a.Run(ctx, "actor", "move", "nobody", "films@"+b.Host); err == nil {
		t.Errorf("nobody moved: %s", out)
	}
	var doc struct {
		MovedTo     string   `json:"movedTo"`
		AlsoKnownAs []string `json:"alsoKnownAs"`
	}
	accept := http.Header{"Accept": {"application/activity+json"}}
	if _, err := a.NewClient().Do(ctx, http.MethodGet, "/video-channels/films", http.NoBody, accept, &doc); err != nil || doc.MovedTo != b.Origin+"/video-channels/films" {
		t.Errorf("the old channel says %+v, %v", doc, err)
	}
	if _, err := b.NewClient().Do(ctx, http.MethodGet, "/video-channels/films", http.NoBody, accept, &doc); err != nil || len(doc.AlsoKnownAs) != 1 {
		t.Errorf("the new channel says %+v, %v", doc, err)
	}
}
