package ldsig

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"sync"

	"github.com/piprate/json-gold/ld"
)

//go:embed contexts/*.json
var contextFiles embed.FS

// builtIn are the contexts there are, by address.
var builtIn = map[string]string{
	"https://www.w3.org/ns/activitystreams":         "activitystreams",
	"http://www.w3.org/ns/activitystreams":          "activitystreams",
	"https://www.w3.org/ns/activitystreams.jsonld":  "activitystreams",
	"https://w3id.org/security/v1":                  "security-v1",
	"https://w3id.org/identity/v1":                  "identity-v1",
	"https://w3id.org/security/data-integrity/v1":   "data-integrity-v1",
	"https://w3id.org/security/data-integrity/v2":   "data-integrity-v2",
	"https://w3id.org/security/multikey/v1":         "multikey-v1",
	"https://www.w3.org/ns/did/v1":                  "did-v1",
	"https://gotosocial.org/ns":                     "gotosocial",
	"https://join-lemmy.org/context.json":           "lemmy",
	"http://joinmastodon.org/ns":                    "joinmastodon",
	"https://purl.archive.org/miscellany":           "miscellany",
	"https://purl.archive.org/socialweb/webfinger":  "webfinger",
	"https://purl.archive.org/socialweb/miscellany": "miscellany",
}

// litepubPath is where every server of the Pleroma family has its own copy of
// one and the same context.
const litepubPath = "/schemas/litepub-0.1.jsonld"

// errContext says that a context is not among the built-in ones.
var errContext = errors.New("unknown context")

// loader gives built-in contexts to json-gold. It has no way to the network.
type loader struct{ docs map[string]any }

// LoadDocument implements ld.DocumentLoader.
func (l *loader) LoadDocument(address string) (*ld.RemoteDocument, error) {
	name, ok := builtIn[address]
	if u, err := url.Parse(address); !ok && err == nil && u.Path == litepubPath {
		name, ok = "litepub", true
	}
	if !ok {
		return nil, fmt.Errorf("%w: %q", errContext, address)
	}
	return &ld.RemoteDocument{DocumentURL: address, Document: l.docs[name]}, nil
}

// processor holds what is prepared once: the parsed built-in contexts, and
// the processed form of those that documents bring.
type processor struct {
	options *ld.JsonLdOptions
	own     *ld.Context     // what documents are compacted with
	ownRaw  json.RawMessage // its text
	ownDoc  any

	mu       sync.Mutex
	prepared map[string]*prepared
}

// prepared is a processed context.
type prepared struct {
	active *ld.Context
	// again tells that applying it a second time changes nothing, so that a
	// nested copy of it can be left out.
	again bool
}

// Bounds of the cache of processed contexts: a server uses a handful, so the
// cache holds those of some hundred kinds of servers.
const (
	maxPrepared    = 256
	maxContextText = 16 << 10
)

// shared is made when the first document is seen.
var shared = sync.OnceValue(newProcessor)

func newProcessor() *processor {
	l := &loader{docs: map[string]any{}}
	names := []string{"own"}
	for _, name := range builtIn {
		names = append(names, name)
	}
	for _, name := range append(names, "litepub") {
		if l.docs[name] == nil {
			l.docs[name] = mustContext(name)
		}
	}
	o := ld.NewJsonLdOptions("")
	o.DocumentLoader = l
	p := &processor{options: o, prepared: map[string]*prepared{}}
	p.ownDoc = l.docs["own"].(map[string]any)["@context"]
	own, err := ld.NewContext(nil, o).Parse(p.ownDoc)
	if err == nil {
		own.GetInverse() // now, for it is made lazily and without a lock
		p.own = own
		p.ownRaw, err = json.Marshal(p.ownDoc)
	}
	if err != nil {
		panic("built-in context: " + err.Error())
	}
	return p
}

// mustContext reads one of the files, which a test has read before.
func mustContext(name string) any {
	raw, err := contextFiles.ReadFile("contexts/" + name + ".json")
	if err != nil {
		panic(err)
	}
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		panic("contexts/" + name + ".json: " + err.Error())
	}
	return doc
}

// active gives the processed form of a document's @context.
func (p *processor) active(raw json.RawMessage) (*prepared, error) {
	key := string(raw)
	p.mu.Lock()
	c := p.prepared[key]
	p.mu.Unlock()
	if c != nil {
		return c, nil
	}
	var doc any
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &doc); err != nil {
			return nil, err
		}
	}
	start := ld.NewContext(nil, p.options)
	active, err := start.Parse(doc)
	if err != nil {
		return nil, err
	}
	c = &prepared{active: active, again: repeatable(active, doc)}
	if len(key) <= maxContextText {
		p.mu.Lock()
		if len(p.prepared) >= maxPrepared {
			clear(p.prepared)
		}
		p.prepared[key] = c
		p.mu.Unlock()
	}
	return c, nil
}

// repeatable tells whether a context on top of itself is itself.
func repeatable(active *ld.Context, doc any) bool {
	twice, err := active.Parse(doc)
	if err != nil || !reflect.DeepEqual(twice.Values, active.Values) || len(twice.TermDefinitions) != len(active.TermDefinitions) {
		return false
	}
	for term, d := range active.TermDefinitions {
		other := twice.TermDefinitions[term]
		if (d == nil) != (other == nil) || d != nil && !ld.DeepCompareTermDef(d, other, true) {
			return false
		}
	}
	return true
}

// sameText tells whether two values are the same JSON up to white space.
func sameText(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	if json.Compact(&x, a) != nil || json.Compact(&y, b) != nil {
		return false
	}
	return bytes.Equal(x.Bytes(), y.Bytes())
}

// guard turns a panic of the JSON-LD library over strange input into an error.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", ErrInvalid, r)
	}
}

// isKeyword tells whether a key or value is one of JSON-LD's own words.
func isKeyword(s string) bool { return strings.HasPrefix(s, "@") }
