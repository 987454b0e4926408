package ldsig

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/piprate/json-gold/ld"
)

// ErrInvalid is wrapped by every error about a document or a signature.
var ErrInvalid = errors.New("invalid linked-data signature")

// Bounds of a document. A Video with 60 files has about 1,200 statements.
const (
	maxBytes    = 1 << 20
	maxDepth    = 20     // PT federation 7: as PeerTube refuses it
	maxNodes    = 2_000  // objects
	maxContexts = 64     // members called @context
	maxTerms    = 1_000  // terms in the contexts of the document itself
	maxQuads    = 10_000 // statements
	maxSteps    = 50_000 // quads looked at to tell equal-looking nodes apart
)

// document is a JSON object on its way through the algorithms.
type document struct {
	fields  map[string]json.RawMessage
	context json.RawMessage
	body    map[string]any // decoded, without @context and signature
}

// read decodes raw within the bounds.
func read(raw []byte) (*document, error) {
	if len(raw) > maxBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrInvalid, len(raw))
	}
	d := &document{}
	if err := json.Unmarshal(raw, &d.fields); err != nil || d.fields == nil {
		return nil, fmt.Errorf("%w: no JSON object", ErrInvalid)
	}
	d.context = d.fields["@context"]
	d.body = make(map[string]any, len(d.fields))
	for k, v := range d.fields {
		if k == "signature" || k == "@context" {
			continue
		}
		var value any
		if err := json.Unmarshal(v, &value); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		d.body[k] = value
	}
	return d, d.check()
}

// check applies the bounds that can be told before any algorithm runs.
func (d *document) check() error {
	var c checker
	var context any
	if len(d.context) > 0 {
		if err := json.Unmarshal(d.context, &context); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		c.contexts++
	}
	if err := c.context(context, 1); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if err := c.value(d.body, 1); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}

// checker counts what can be made expensive.
type checker struct{ nodes, contexts, terms int }

func (c *checker) value(v any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("deeper than %d levels", maxDepth)
	}
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			if err := c.value(x, depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		if c.nodes++; c.nodes > maxNodes {
			return fmt.Errorf("more than %d nodes", maxNodes)
		}
		for k, x := range v {
			switch k {
			case "@graph", "@included", "@reverse": // PT federation 7
				return fmt.Errorf("%s", k)
			case "@context":
				if c.contexts++; c.contexts > maxContexts {
					return fmt.Errorf("more than %d contexts", maxContexts)
				}
				if err := c.context(x, depth+1); err != nil {
					return err
				}
				continue
			}
			if err := c.value(x, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// context looks at a context that the document itself brings. It may not
// import others, and its terms may not carry contexts, which would be
// processed anew at each use.
func (c *checker) context(v any, depth int) error {
	switch v := v.(type) {
	case []any:
		if len(v) > maxDepth || depth > maxDepth {
			return errors.New("too many contexts in one")
		}
		for _, x := range v {
			if err := c.context(x, depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		if c.terms += len(v); c.terms > maxTerms {
			return fmt.Errorf("more than %d terms", maxTerms)
		}
		for k, x := range v {
			if k == "@import" || k == "@context" || k == "@propagate" {
				return fmt.Errorf("%s in a context", k)
			}
			def, ok := x.(map[string]any)
			if !ok {
				continue
			}
			for _, word := range []string{"@context", "@reverse"} {
				if _, has := def[word]; has {
					return fmt.Errorf("%s in a term", word)
				}
			}
		}
	}
	return nil
}

// expand gives the expanded form of the document without its signature.
func (p *processor) expand(d *document) (node map[string]any, err error) {
	defer guard(&err)
	c, err := p.active(d.context)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if c.again {
		d.dropNestedContexts()
	}
	return p.expandWith(c.active, d.body)
}

func (p *processor) expandWith(active *ld.Context, body map[string]any) (map[string]any, error) {
	out, err := ld.NewJsonLdApi().Expand(active, "", body, p.options, false, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	node, ok := out.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: no single object", ErrInvalid)
	}
	return node, nil
}

// dropNestedContexts leaves out the context of the members that repeat the
// one of the document, as a proof does.
func (d *document) dropNestedContexts() {
	for k, v := range d.body {
		m, ok := v.(map[string]any)
		if !ok || m["@context"] == nil {
			continue
		}
		var inner struct {
			Context json.RawMessage `json:"@context"`
		}
		if json.Unmarshal(d.fields[k], &inner) == nil && sameText(inner.Context, d.context) {
			delete(m, "@context")
		}
	}
}

// prune takes out of an expanded node whatever does not become RDF and so is
// covered by no signature: terms that no context defines (the one of
// ActivityStreams makes blank predicates of them), indexes, identifiers that
// are relative. It fails on the keywords that reorder a document.
func prune(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		out := v[:0]
		for _, x := range v {
			kept, err := prune(x)
			if err != nil {
				return nil, err
			}
			if kept != nil {
				out = append(out, kept)
			}
		}
		return out, nil
	case map[string]any:
		return pruneNode(v)
	}
	return v, nil
}

func pruneNode(m map[string]any) (any, error) {
	if _, ok := m["@value"]; ok {
		delete(m, "@index")
		delete(m, "@direction")
		return m, nil
	}
	if id, ok := m["@id"].(string); ok && !absolute(id) {
		return nil, nil //nolint:nilnil // nothing is what stays of it
	}
	for k, x := range m {
		switch k {
		case "@graph", "@included", "@reverse":
			return nil, fmt.Errorf("%w: %s", ErrInvalid, k)
		case "@id":
			continue
		case "@type":
			m[k] = pruneTypes(x)
			continue
		case "@list":
		default:
			if isKeyword(k) || strings.HasPrefix(k, "_:") || !absolute(k) {
				delete(m, k)
				continue
			}
		}
		kept, err := prune(x)
		if err != nil {
			return nil, err
		}
		if list, ok := kept.([]any); kept == nil || ok && len(list) == 0 && k != "@list" {
			delete(m, k)
			continue
		}
		m[k] = kept
	}
	return m, nil
}

func pruneTypes(v any) any {
	list, _ := v.([]any)
	out := list[:0]
	for _, t := range list {
		if s, ok := t.(string); ok && absolute(s) {
			out = append(out, t)
		}
	}
	return out
}

// absolute tells whether s is an IRI with a scheme, or a blank node.
func absolute(s string) bool {
	if strings.HasPrefix(s, "_:") {
		return true
	}
	scheme := strings.IndexByte(s, ':')
	if scheme < 1 || strings.ContainsAny(s, " \t\r\n\f\v\u00a0\u2028\u2029") {
		return false
	}
	for i := range scheme {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return true
}

// Undefined lists the terms and types of a document that none of its contexts
// defines. What we publish has none: other servers drop them, and PeerTube
// then does not sign at all.
func Undefined(raw []byte) ([]string, error) {
	d, err := read(raw)
	if err != nil {
		return nil, err
	}
	node, err := shared().expand(d)
	if err != nil {
		return nil, err
	}
	var out []string
	undefined(node, &out)
	return out, nil
}

func undefined(v any, out *[]string) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			undefined(x, out)
		}
	case map[string]any:
		for k, x := range v {
			if name, ok := strings.CutPrefix(k, "_:"); ok {
				*out = append(*out, name)
			}
			if types, ok := x.([]any); ok && k == "@type" {
				for _, t := range types {
					if name, ok := strings.CutPrefix(fmt.Sprint(t), "_:"); ok {
						*out = append(*out, name)
					}
				}
			}
			if id, ok := x.(string); ok && k == "@id" && !absolute(id) {
				*out = append(*out, id)
			}
			undefined(x, out)
		}
	}
}
