package inbox

import "testing"

// FuzzCollection: of a body that is a collection only whole activities count,
// and not more than a hundred.
func FuzzCollection(f *testing.F) {
	for _, body := range []string{
		`{"type":"Collection","items":[{"id":"https://a.example/1","type":"Like","actor":"https://a.example/u","object":"https://b.example/1"}]}`,
		`{"type":["OrderedCollectionPage"],"orderedItems":{"id":"https://a.example/1","type":"Create","actor":"https://a.example/u"}}`,
		`{"type":"Collection","items":[5,"https://a.example/1",{"type":"Note"},[{}]]}`,
		`{"type":"Note","items":[]}`, `[]`, `{"type":"Collection"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		many := activitiesOf(body)
		if len(many) > maxMany {
			t.Fatalf("%d activities", len(many))
		}
		for _, env := range many {
			if env.ID == "" || env.Type == "" || env.Actor == "" || len(env.Raw()) == 0 {
				t.Fatalf("%+v", env)
			}
		}
	})
}
