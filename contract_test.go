package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/openapi/openapitest"
	"github.com/kinemesh/kinemesh/web/rest/resttest"
)

// TestContract plays the scenario on both databases and holds its answers
// against what PeerTube says of itself: its OpenAPI document, the answers that
// were recorded, and the types that its clients are compiled with. What differs
// on purpose is listed in testdata/contract with the reason.
func TestContract(t *testing.T) {
	if testing.Short() {
		t.Skip("transcodes two videos")
	}
	lists := map[string]*resttest.Allowed{}
	for _, name := range []string{"openapi", "recorded"} {
		lists[name] = resttest.ReadAllowed(t, "testdata/contract/"+name+".txt")
	}
	played := 0
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := runScenario(t, d)
		played++
		t.Run("recorded", func(t *testing.T) { sameAsRecorded(t, s, lists["recorded"]) })
		t.Run("types", func(t *testing.T) { sameAsClientTypes(t, s) })
		t.Run("openapi", func(t *testing.T) { sameAsPeerTubesDocument(t, s, lists["openapi"]) })
	})
	if t.Failed() || played == 0 {
		return
	}
	lists["recorded"].Unused(t)
	if _, err := os.Stat(peerTubeDocument); err == nil {
		lists["openapi"].Unused(t)
	}
}

// sameAsRecorded compares answers with those of PeerTube 6.3 to the same
// requests, field by field.
func sameAsRecorded(t *testing.T, s *scenario, allowed *resttest.Allowed) {
	t.Helper()
	want := resttest.Recorded(t, "testdata/peertube-6.3-rest.json")
	got := s.refusals()
	for _, x := range s.exchanges {
		if x.name != "" {
			got[x.name] = x.answer
		}
	}
	for name, w := range want {
		g, asked := got[name]
		switch {
		case !asked:
			if !allowed.Has(name, "not asked") {
				t.Errorf("%s: not asked", name)
			}
			continue
		case g.Code != w.Status:
			t.Errorf("%s: %d, PeerTube answered %d", name, g.Code, w.Status)
			continue
		}
		for _, d := range resttest.Differences(w.Body, g.JSON()) {
			if !allowed.Has(name, d) {
				t.Errorf("%s: %s", name, d)
			}
		}
	}
}

// sameAsPeerTubesDocument compares answers with PeerTube's OpenAPI document.
func sameAsPeerTubesDocument(t *testing.T, s *scenario, allowed *resttest.Allowed) {
	t.Helper()
	raw, err := os.ReadFile(peerTubeDocument)
	if err != nil {
		t.Skipf("PeerTube's document is not here: %v", err)
	}
	c, err := openapitest.Load(raw)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, x := range s.exchanges {
		template, ok := c.Template(x.method, x.path)
		if !ok {
			continue // routes that the document leaves out
		}
		for _, d := range c.Differences(x.method, x.path, x.Code, x.Header(), x.Body.Bytes()) {
			subject := x.method + " " + strings.TrimPrefix(template, "/api/v1")
			if !allowed.Has(subject, d) {
				all = append(all, subject+": "+d)
			}
		}
	}
	slices.Sort(all)
	for _, d := range slices.Compact(all) {
		t.Error(d)
	}
}
