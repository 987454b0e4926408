package aptest

import (
	"context"
	"net/http"
	"strings"

	"github.com/kinemesh/kinemesh/activitypub/ldsig"
	"github.com/kinemesh/kinemesh/activitypub/transport"
)

// maxChecked bounds how many published activities are looked at.
const maxChecked = 200

// checkPublished holds what the server published against its contexts when the
// test ends: a term that no context defines is covered by no linked-data
// signature, and other servers drop it.
func (s *Server) checkPublished() {
	var raws []string
	err := s.DB.Read(context.Background()).Raw("SELECT raw FROM outbox ORDER BY id DESC LIMIT ?", maxChecked).Scan(&raws).Error
	if err != nil {
		return // the test closed the database
	}
	for _, raw := range raws {
		// Others' activities are forwarded as they are, and bare ones are what
		// some tests are about.
		if strings.Contains(raw, `"actor":"`+s.Origin+`/`) && strings.Contains(raw, `"@context"`) {
			s.checkTerms("published", []byte(raw))
		}
	}
}

// checkTerms does so with one document.
func (s *Server) checkTerms(what string, raw []byte) {
	undefined, err := ldsig.Undefined(raw)
	if err != nil || len(undefined) > 0 {
		s.t.Errorf("%s with terms that no context defines: %q %v\n%s", what, undefined, err, raw)
	}
}

// checkAnswer does so with a document that was asked for. The formerType of a
// Tombstone is an identifier to ActivityStreams, and yet everybody sends a
// bare name.
func (s *Server) checkAnswer(path string, a Answer) {
	if a.JSON["type"] == "Tombstone" {
		return
	}
	if a.Status == http.StatusOK && a.JSON["@context"] != nil && transport.IsActivity(a.Header.Get("Content-Type")) {
		s.checkTerms("GET "+path, a.Body)
	}
}
