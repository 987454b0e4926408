package vocab

import (
	"encoding/json"

	"github.com/kinemesh/kinemesh/activitypub/iri"
)

// Items gives the members of key in their order: embedded objects as they are,
// identifiers as [FromIRI] gives them. Anything else is left out (SEC-30).
func (o Object) Items(key string) []Object {
	var out []Object
	for _, v := range o.values(key) {
		var id string
		switch kind(v) {
		case '{':
			if in, ok := objectOf(v); ok {
				out = append(out, in)
			}
		case '"':
			if json.Unmarshal(v, &id) == nil && iri.Valid(id) {
				out = append(out, FromIRI(id))
			}
		}
	}
	return out
}
