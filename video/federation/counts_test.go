package federation

import (
	"testing"

	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// TestNodeInfoCounts: what NodeInfo says we have published is what everybody can
// see of ours: no private videos, none of others.
func TestNodeInfoCounts(t *testing.T) {
	s := serve(t, dbtest.SQLite(t))
	o := s.owner("alice")
	s.publish(o, "A public one")
	unlisted := s.publish(o, "An unlisted one")
	s.edit(o, unlisted, m{"privacy": 2})
	s.private(o, "A private one")
	for _, path := range []string{"/nodeinfo/2.0.json", "/nodeinfo/2.1.json"} {
		usage, ok := s.Get(path, "").JSON["usage"].(map[string]any)
		if !ok || usage["localPosts"] != 1.0 {
			t.Errorf("%s: %v", path, usage)
		}
	}
}
