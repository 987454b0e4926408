package web_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/webfinger"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
)

// TestRemoteInteraction: who comes from another server to follow or to comment
// signs in and is led to our page of it, and never anywhere else (SEC-42).
func TestRemoteInteraction(t *testing.T) {
	x := newTube(t)
	v := x.video("Low tide")
	w := &catalogtest.World{T: t, DB: x.DB, Catalog: x.catalog}
	far := w.SaveRemote(catalogtest.RemoteVideo(w.Remote("carol", "second.example"), "0a11ce00-0000-4000-8000-000000000001"))
	if err := x.DB.Tx(t.Context(), func(tx *db.Tx) error { return tx.Exec("UPDATE videos SET listed = TRUE WHERE NOT local").Error }); err != nil {
		t.Fatal(err)
	}
	elsewhere := aptest.New(t)
	dan := elsewhere.Actor("Person", "dan")
	session := x.signIn("mara")

	// The template that others find is that of the page.
	template := webfinger.Answer("", webfinger.Handle{}, "").Links[1].Template
	page := func(uri string) string { return strings.Replace(template, "{uri}", url.QueryEscape(uri), 1) }
	if w := x.get(page("acct:mara@"+accountstest.Host), ""); w.Code != 303 || w.Header().Get("Location") != "/login?return="+url.QueryEscape(page("acct:mara@"+accountstest.Host)) {
		t.Errorf("signed out: %d %q", w.Code, w.Header().Get("Location"))
	}
	for uri, want := range map[string]string{
		"acct:mara@" + accountstest.Host:             "/a/mara",
		"ACCT:mara_channel@" + accountstest.Host:     "/c/mara_channel",
		"@mara_channel":                              "/c/mara_channel",
		"mara@" + accountstest.Host:                  "/a/mara",
		"carol_channel@second.example":               "/c/carol_channel@second.example",
		"@carol@second.example":                      "/a/carol@second.example",
		origin + "/w/" + v.ShortUUID() + "?start=3s": "/w/" + v.ShortUUID(),
		origin + "/videos/watch/" + v.UUID:           "/w/" + v.ShortUUID(),
		origin + "/c/mara_channel/videos":            "/c/mara_channel",
		origin + "/accounts/mara":                    "/a/mara",
		origin + "/a/carol@second.example":           "/a/carol@second.example",
		far.IRI:                                      "/w/" + far.ShortUUID(),
		dan.IRI + "#main":                            "/a/dan@" + elsewhere.Host,
	} {
		if w := x.get(page(uri), session); w.Code != 303 || w.Header().Get("Location") != want {
			t.Errorf("%s: %d %q, want %q", uri, w.Code, w.Header().Get("Location"), want)
		} else if shown := x.get(want, session); shown.Code != 200 {
			t.Errorf("%s leads to %s: %d", uri, want, shown.Code)
		}
	}
	// The test's server has no TLS, so that it is not asked for a handle: dan is known now.
	if w := x.get(page("acct:dan@"+elsewhere.Host), session); w.Code != 303 || w.Header().Get("Location") != "/a/dan@"+elsewhere.Host {
		t.Errorf("a handle elsewhere: %d %q", w.Code, w.Header().Get("Location"))
	}
	for _, uri := range []string{
		"nobody", "acct:nobody@" + accountstest.Host, "acct:", "@", "javascript:alert(1)", "//evil.example/", "/login", elsewhere.Origin + "/nothing",
		origin + "/w/nothing", origin + "/c/", origin + "//evil.example", "https://", "<b>who</b>", "ftp://second.example/carol", "nobody@" + elsewhere.Host,
	} {
		w := x.get(page(uri), session)
		wants(t, w, 404, "Nothing found")
		if to := w.Header().Get("Location"); to != "" {
			t.Errorf("%s leads to %s", uri, to)
		}
		lacks(t, w, "<b>who")
	}
	wants(t, x.get(page("nobody@elsewhere"), session), 404, "“nobody@elsewhere”")
	for _, session := range []string{"", session} {
		wants(t, x.get("/remote-interaction", session), 400, "cannot be understood")
		wants(t, x.get(page(" "), session), 400)
		wants(t, x.get(page(strings.Repeat("a", 3000)), session), 400)
	}

	// Where users may not have other servers asked, what is known is found.
	shut := newTube(t, func(c *config.Config) { c.Search.RemoteURI.Users = false })
	other := shut.signIn("mara")
	before := elsewhere.Fetches("")
	wants(t, shut.get(page(dan.IRI), other), 404)
	wants(t, shut.get(page("acct:mara@"+accountstest.Host), other), 303)
	if n := elsewhere.Fetches(""); n != before {
		t.Errorf("the other server was asked %d times", n-before)
	}
}
