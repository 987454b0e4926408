package ldsig

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// canon brings the statements of a graph in canonical form: blank nodes get
// names that depend on nothing but what is said about them (URDNA2015, RDF
// Dataset Canonicalization 4).
type canon struct {
	g       *graph
	about   [][]int  // the quads of each blank node
	first   []string // hash of each one's own quads
	issued  *issuer
	steps   int
	escapes func(*bytes.Buffer, string)
}

// issuer gives names out in order.
type issuer struct {
	prefix string
	names  map[int]string
	order  []int
}

func newIssuer(prefix string) *issuer { return &issuer{prefix: prefix, names: map[int]string{}} }

func (i *issuer) name(blank int) string {
	if n, ok := i.names[blank]; ok {
		return n
	}
	n := i.prefix + strconv.Itoa(len(i.order))
	i.names[blank] = n
	i.order = append(i.order, blank)
	return n
}

func (i *issuer) has(blank int) bool { _, ok := i.names[blank]; return ok }

func (i *issuer) clone() *issuer {
	return &issuer{prefix: i.prefix, names: maps.Clone(i.names), order: slices.Clone(i.order)}
}

// nquads gives the canonical N-Quads of a graph.
func nquads(g *graph, escapes func(*bytes.Buffer, string)) ([]byte, error) {
	c := &canon{
		g: g, about: make([][]int, g.blanks), first: make([]string, g.blanks),
		issued: newIssuer("_:c14n"), escapes: escapes,
	}
	for i, q := range g.quads {
		if q.s.kind == termBlank {
			c.about[q.s.blank] = append(c.about[q.s.blank], i)
		}
		if q.o.kind == termBlank && (q.s.kind != termBlank || q.s.blank != q.o.blank) {
			c.about[q.o.blank] = append(c.about[q.o.blank], i)
		}
	}
	if err := c.label(); err != nil {
		return nil, err
	}
	return c.write(), nil
}

// label names all blank nodes.
func (c *canon) label() error {
	groups := map[string][]int{}
	for b := range c.about {
		if len(c.about[b]) == 0 {
			continue
		}
		c.first[b] = c.hashFirst(b)
		groups[c.first[b]] = append(groups[c.first[b]], b)
	}
	hashes := make([]string, 0, len(groups))
	for h := range groups {
		hashes = append(hashes, h)
	}
	sort.Strings(hashes)
	for _, h := range hashes {
		if len(groups[h]) == 1 {
			c.issued.name(groups[h][0])
		}
	}
	for _, h := range hashes {
		if len(groups[h]) > 1 {
			if err := c.labelAlike(groups[h]); err != nil {
				return err
			}
		}
	}
	return nil
}

// labelAlike names nodes about which the same is said, by what is said about
// their neighbours.
func (c *canon) labelAlike(alike []int) error {
	type result struct {
		hash   string
		issuer *issuer
	}
	var results []result
	for _, b := range alike {
		if c.issued.has(b) {
			continue
		}
		temporary := newIssuer("_:b")
		temporary.name(b)
		hash, after, err := c.hashDeep(b, temporary, 0)
		if err != nil {
			return err
		}
		results = append(results, result{hash, after})
	}
	sort.SliceStable(results, func(i, j int) bool { return results[i].hash < results[j].hash })
	for _, r := range results {
		for _, b := range r.issuer.order {
			c.issued.name(b)
		}
	}
	return nil
}

// hashFirst is Hash First Degree Quads.
func (c *canon) hashFirst(b int) string {
	lines := make([]string, len(c.about[b]))
	var buf bytes.Buffer
	for i, n := range c.about[b] {
		buf.Reset()
		c.line(&buf, &c.g.quads[n], func(other int) string {
			if other == b {
				return "_:a"
			}
			return "_:z"
		})
		lines[i] = buf.String()
	}
	sort.Strings(lines)
	h := sha256.New()
	for _, l := range lines {
		h.Write([]byte(l))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// hashRelated is Hash Related Blank Node.
func (c *canon) hashRelated(related int, q *quad, i *issuer, position string) string {
	var id string
	switch {
	case c.issued.has(related):
		id = c.issued.name(related)
	case i.has(related):
		id = i.name(related)
	default:
		id = c.first[related]
	}
	sum := sha256.Sum256([]byte(position + "<" + q.p + ">" + id))
	return hex.EncodeToString(sum[:])
}

// neighbours groups the blank nodes next to b by what relates them to it.
func (c *canon) neighbours(b int, i *issuer) (map[string][]int, error) {
	out := map[string][]int{}
	for _, n := range c.about[b] {
		if c.steps++; c.steps > maxSteps {
			return nil, fmt.Errorf("%w: its nodes are too alike", ErrInvalid)
		}
		q := &c.g.quads[n]
		if q.s.kind == termBlank && q.s.blank != b {
			h := c.hashRelated(q.s.blank, q, i, "s")
			out[h] = append(out[h], q.s.blank)
		}
		if q.o.kind == termBlank && q.o.blank != b {
			h := c.hashRelated(q.o.blank, q, i, "o")
			out[h] = append(out[h], q.o.blank)
		}
	}
	return out, nil
}

// hashDeep is Hash N-Degree Quads.
func (c *canon) hashDeep(b int, i *issuer, depth int) (string, *issuer, error) {
	if depth > 2*maxDepth {
		return "", nil, fmt.Errorf("%w: its nodes are too alike", ErrInvalid)
	}
	groups, err := c.neighbours(b, i)
	if err != nil {
		return "", nil, err
	}
	hashes := make([]string, 0, len(groups))
	for h := range groups {
		hashes = append(hashes, h)
	}
	sort.Strings(hashes)
	data := sha256.New()
	for _, h := range hashes {
		path, chosen, err := c.bestPath(groups[h], i, depth)
		if err != nil {
			return "", nil, err
		}
		data.Write([]byte(h))
		data.Write([]byte(path))
		i = chosen
	}
	return hex.EncodeToString(data.Sum(nil)), i, nil
}

// bestPath tries all orders of alike neighbours and keeps the least path.
func (c *canon) bestPath(group []int, i *issuer, depth int) (best string, chosen *issuer, err error) {
	group = slices.Clone(group)
	slices.Sort(group)
	err = permutations(group, func(order []int) error {
		if c.steps += len(order); c.steps > maxSteps {
			return fmt.Errorf("%w: its nodes are too alike", ErrInvalid)
		}
		path, after, err := c.path(order, i.clone(), best, depth)
		if err == nil && after != nil && (chosen == nil || path < best) {
			best, chosen = path, after
		}
		return err
	})
	return best, chosen, err
}

// path writes the names that neighbours get in this order; it gives up, with
// a nil issuer, when the path is past the best one.
func (c *canon) path(order []int, i *issuer, best string, depth int) (string, *issuer, error) {
	var path strings.Builder
	var deeper []int
	past := func() bool { return best != "" && path.Len() >= len(best) && path.String() > best }
	for _, b := range order {
		if c.issued.has(b) {
			path.WriteString(c.issued.name(b))
		} else {
			if !i.has(b) {
				deeper = append(deeper, b)
			}
			path.WriteString(i.name(b))
		}
		if past() {
			return "", nil, nil
		}
	}
	for _, b := range deeper {
		hash, after, err := c.hashDeep(b, i, depth+1)
		if err != nil {
			return "", nil, err
		}
		path.WriteString(i.name(b) + "<" + hash + ">")
		i = after
		if past() {
			return "", nil, nil
		}
	}
	return path.String(), i, nil
}

// permutations calls f with every order of list, the given one first.
func permutations(list []int, f func([]int) error) error {
	var rec func(k int) error
	rec = func(k int) error {
		if k == len(list) {
			return f(list)
		}
		for j := k; j < len(list); j++ {
			list[k], list[j] = list[j], list[k]
			if err := rec(k + 1); err != nil {
				return err
			}
			list[k], list[j] = list[j], list[k]
		}
		return nil
	}
	return rec(0)
}

// write gives all statements, sorted.
func (c *canon) write() []byte {
	var buf bytes.Buffer
	ends := make([]int, len(c.g.quads))
	for i := range c.g.quads {
		c.line(&buf, &c.g.quads[i], c.issued.name)
		ends[i] = buf.Len()
	}
	all, start := buf.Bytes(), 0
	lines := make([][]byte, len(ends))
	for i, end := range ends {
		lines[i] = all[start:end]
		start = end
	}
	slices.SortFunc(lines, bytes.Compare)
	return bytes.Join(lines, nil)
}

// line writes one statement.
func (c *canon) line(b *bytes.Buffer, q *quad, name func(int) string) {
	c.term(b, &q.s, name)
	b.WriteString(" <")
	b.WriteString(q.p)
	b.WriteString("> ")
	c.term(b, &q.o, name)
	b.WriteString(" .\n")
}

func (c *canon) term(b *bytes.Buffer, t *term, name func(int) string) {
	switch t.kind {
	case termBlank:
		b.WriteString(name(t.blank))
	case termIRI:
		b.WriteByte('<')
		b.WriteString(t.value)
		b.WriteByte('>')
	default:
		b.WriteByte('"')
		c.escapes(b, t.value)
		b.WriteByte('"')
		if t.language != "" {
			b.WriteByte('@')
			b.WriteString(t.language)
		} else if t.datatype != "" {
			b.WriteString("^^<")
			b.WriteString(t.datatype)
			b.WriteByte('>')
		}
	}
}

// escapeAll escapes as canonical N-Quads demand it today (RDF Dataset
// Canonicalization 5): all control characters.
func escapeAll(b *bytes.Buffer, s string) { escape(b, s, true) }

// escapeFew escapes as URDNA2015 did at first, which PeerTube's library does:
// other control characters than the ends of lines stand for themselves.
func escapeFew(b *bytes.Buffer, s string) { escape(b, s, false) }

func escape(b *bytes.Buffer, s string, all bool) {
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
			continue
		}
		var e string
		switch c {
		case '"':
			e = `\"`
		case '\\':
			e = `\\`
		case '\n':
			e = `\n`
		case '\r':
			e = `\r`
		default:
			if !all {
				continue
			}
			e = control(c)
		}
		b.WriteString(s[from:i])
		b.WriteString(e)
		from = i + 1
	}
	b.WriteString(s[from:])
}

func control(c byte) string {
	switch c {
	case '\b':
		return `\b`
	case '\t':
		return `\t`
	case '\f':
		return `\f`
	}
	return fmt.Sprintf(`\u%04X`, c)
}
