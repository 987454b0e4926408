package ldsig

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// kinds of a term.
const (
	termIRI uint8 = iota
	termBlank
	termLiteral
)

// term is a node of the graph. Blank nodes are numbered.
type term struct {
	kind     uint8
	blank    int
	value    string
	datatype string // of a literal; "" is xsd:string
	language string
}

// quad is one statement. All of them lie in the default graph.
type quad struct {
	s, o term
	p    string
}

// IRIs of RDF.
const (
	rdfNS    = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
	rdfType  = rdfNS + "type"
	rdfFirst = rdfNS + "first"
	rdfRest  = rdfNS + "rest"
	rdfNil   = rdfNS + "nil"
	rdfJSON  = rdfNS + "JSON"
	xsdNS    = "http://www.w3.org/2001/XMLSchema#"
	xsdStr   = xsdNS + "string"
)

// graph collects the statements of an expanded document.
type graph struct {
	quads  []quad
	seen   map[quad]struct{}
	blanks int
	named  map[string]int // blank nodes that the document names itself
}

// toRDF makes statements of an expanded node (JSON-LD API 8.1).
func toRDF(node map[string]any) (*graph, error) {
	g := &graph{seen: map[quad]struct{}{}, named: map[string]int{}}
	if _, _, err := g.node(node); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *graph) fresh() term {
	g.blanks++
	return term{kind: termBlank, blank: g.blanks - 1}
}

// resource makes a term of an identifier.
func (g *graph) resource(id string) term {
	if !strings.HasPrefix(id, "_:") {
		return term{value: id}
	}
	n, ok := g.named[id]
	if !ok {
		n = g.fresh().blank
		g.named[id] = n
	}
	return term{kind: termBlank, blank: n}
}

// add states something once.
func (g *graph) add(q quad) error {
	if _, twice := g.seen[q]; twice {
		return nil
	}
	if len(g.quads) >= maxQuads {
		return fmt.Errorf("%w: more than %d statements", ErrInvalid, maxQuads)
	}
	g.seen[q] = struct{}{}
	g.quads = append(g.quads, q)
	return nil
}

// node states what a node says and gives its own term; ok is false when
// nothing can be said about it, its identifier being relative.
func (g *graph) node(m map[string]any) (t term, ok bool, err error) {
	if id, has := m["@id"].(string); has {
		t, ok = g.resource(id), absolute(id)
	} else {
		t, ok = g.fresh(), true
	}
	for k, v := range m {
		list, _ := v.([]any)
		switch {
		case k == "@type":
			for _, x := range list {
				if s, _ := x.(string); ok && absolute(s) {
					err = g.add(quad{s: t, p: rdfType, o: g.resource(s)})
				}
				if err != nil {
					return t, ok, err
				}
			}
		case k == "@graph", k == "@included", k == "@reverse":
			return t, ok, fmt.Errorf("%w: %s", ErrInvalid, k)
		case isKeyword(k):
		default:
			if err := g.property(t, k, list, ok && !strings.HasPrefix(k, "_:") && absolute(k)); err != nil {
				return t, ok, err
			}
		}
	}
	return t, ok, nil
}

// property states the values of a property. When the property itself is not
// to be stated, what its values say about themselves still is.
func (g *graph) property(s term, p string, values []any, state bool) error {
	for _, v := range values {
		o, ok, err := g.object(v)
		if err != nil {
			return err
		}
		if !ok || !state {
			continue
		}
		if err := g.add(quad{s: s, p: p, o: o}); err != nil {
			return err
		}
	}
	return nil
}

// object makes a term of a value, a list or a node.
func (g *graph) object(v any) (term, bool, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return term{}, false, nil
	}
	if _, is := m["@value"]; is {
		t, err := literal(m)
		return t, err == nil, err
	}
	if l, is := m["@list"]; is {
		items, _ := l.([]any)
		t, err := g.list(items)
		return t, err == nil, err
	}
	return g.node(m)
}

// list makes a chain of first and rest (JSON-LD API 8.3).
func (g *graph) list(items []any) (term, error) {
	head := term{value: rdfNil}
	for _, item := range slices.Backward(items) {
		o, ok, err := g.object(item)
		if err != nil {
			return head, err
		}
		link := g.fresh()
		if ok {
			if err := g.add(quad{s: link, p: rdfFirst, o: o}); err != nil {
				return head, err
			}
		}
		if err := g.add(quad{s: link, p: rdfRest, o: head}); err != nil {
			return head, err
		}
		head = link
	}
	return head, nil
}

// literal makes a literal of a value object (JSON-LD API 8.2).
func literal(m map[string]any) (term, error) {
	t := term{kind: termLiteral}
	t.datatype, _ = m["@type"].(string)
	t.language, _ = m["@language"].(string)
	switch v := m["@value"].(type) {
	case string:
		t.value = v
	case bool:
		t.value, t.datatype = strconv.FormatBool(v), orElse(t.datatype, xsdNS+"boolean")
	case float64:
		t.value, t.datatype = number(v, t.datatype)
	default:
		return t, fmt.Errorf("%w: a value of type %T", ErrInvalid, v)
	}
	if t.datatype == "@json" {
		return t, fmt.Errorf("%w: a JSON literal", ErrInvalid)
	}
	if t.datatype == xsdStr {
		t.datatype = ""
	}
	return t, nil
}

// number writes integers plainly and all others in the canonical form of
// xsd:double.
func number(v float64, datatype string) (text, typ string) {
	v += 0 // no negative zero
	plain := strconv.FormatFloat(v, 'f', -1, 64)
	if datatype != xsdNS+"double" && !strings.Contains(plain, ".") && v < 1e21 && v > -1e21 {
		return plain, orElse(datatype, xsdNS+"integer")
	}
	text = strconv.FormatFloat(v, 'e', 15, 64)
	mantissa, exponent, _ := strings.Cut(text, "e")
	mantissa = strings.TrimRight(mantissa, "0")
	if strings.HasSuffix(mantissa, ".") {
		mantissa += "0"
	}
	sign := ""
	if strings.HasPrefix(exponent, "-") {
		sign = "-"
	}
	exponent = strings.TrimLeft(exponent, "+-0")
	return mantissa + "E" + sign + orElse(exponent, "0"), orElse(datatype, xsdNS+"double")
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
