package comment_test

import (
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/video/videotest"
)

// TestMutedIsNotPassedOn: what the owner of a video, or the instance, does not want
// to see is kept, but not spread; that it is gone is.
func TestMutedIsNotPassedOn(t *testing.T) {
	w := newVillage(t, videotest.Options{})
	third := aptest.New(t)
	ted := third.Actor("Person", "ted")
	if got := ted.Post(w.Origin+"/inbox", ted.Activity("Follow", w.alice.Channel.IRI, nil)); got != 204 {
		t.Fatal(got)
	}
	aptest.Eventually(t, "the follower", func() bool { return w.Count("follows", "state = 'accepted'") == 1 })
	// Signed for others, so that we may pass it on.
	signed := m{"signature": m{"type": "RsaSignature2017", "signatureValue": "abc"}}
	passed := func(object any) bool {
		t.Helper()
		jobstest.Drain(t, w.DB)
		for _, r := range third.Received() {
			if o, ok := r.Doc["object"].(m); ok && o["id"] == object || r.Doc["object"] == object {
				return true
			}
		}
		return false
	}
	say := func() (id any) {
		t.Helper()
		note := w.note(nil)
		w.send(w.bob, "Create", note, signed)
		if w.Count("comments", "iri = ?", note["id"]) != 1 {
			t.Fatalf("%v is not kept", note["id"])
		}
		return note["id"]
	}
	mute := func(method, path string, body any) {
		t.Helper()
		if a := w.As(w.alice, method, path, body); a.Status != 204 {
			t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
		}
	}
	if !passed(say()) {
		t.Error("what nobody has muted is not passed on")
	}
	mute("POST", "/users/me/blocklist/servers", m{"host": w.far.Host})
	muted := say()
	if passed(muted) {
		t.Error("what the owner has muted is passed on")
	}
	w.send(w.bob, "Delete", muted, signed)
	if !passed(muted) {
		t.Error("that it is gone is not passed on")
	}
	mute("DELETE", "/users/me/blocklist/servers/"+w.far.Host, nil)
	if !passed(say()) {
		t.Error("what is not muted any more is not passed on")
	}
}
