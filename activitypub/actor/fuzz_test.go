package actor

import (
	"os"
	"testing"
	"unicode/utf8"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
)

// FuzzDocument: an actor that is believed has its inbox and key on its own host,
// is not ours, and fits into its row (SEC-10, SEC-13, SEC-15, SEC-30).
func FuzzDocument(f *testing.F) {
	for _, name := range []string{"actor-account.json", "actor-channel.json", "actor-instance.json", "gts-actor-signed.json", "gts-main-key-unsigned.json"} {
		raw, err := os.ReadFile("../testdata/docs/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	s, err := New(Options{Origin: "https://tube.example", MinRSABits: 1024})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		doc, err := vocab.Parse(raw)
		if err != nil {
			return
		}
		a, err := s.parse(doc)
		if err != nil {
			return
		}
		if !iri.SameHost(a.IRI, a.Inbox) || !iri.SameHost(a.IRI, a.PublicKeyID) || s.IsLocal(a.IRI) || a.Host == "" {
			t.Fatalf("believed %+v", a)
		}
		for _, address := range []string{a.SharedInbox, a.Outbox, a.Followers, a.Following} {
			if address != "" && !iri.SameHost(a.IRI, address) {
				t.Fatalf("%s of %s lies elsewhere", address, a.IRI)
			}
		}
		if utf8.RuneCountInString(a.Name) > maxName || utf8.RuneCountInString(a.Summary) > maxSummary || a.Username == "" {
			t.Fatalf("texts of %+v", a)
		}
	})
}
