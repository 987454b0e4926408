// Package fulltext turns texts into words and searches for them, on both
// databases and in any script.
//
// A row keeps the words of its text in a column, as [Words] writes them: folded,
// one space between two. An index of the database's own makes them found: an
// FTS5 table on SQLite, a GIN index over [Vector] on PostgreSQL. Both see our
// words, so that both find the same. A query matches when each of its words
// begins a word of the row.
//
// Scripts that put no space between words are indexed by pairs of characters.
package fulltext

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/kinemesh/kinemesh/config/db"
)

// Limits of what is searched for and of what is kept.
const (
	maxWords = 10  // of a query
	maxKept  = 300 // words of a row
	maxRunes = 40  // of a word
)

// Fold makes texts comparable: without case, accents and compatible forms.
func Fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(s))
}

// unspaced are scripts that write words without spaces between them.
var unspaced = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan,
}

// Words is what a row keeps of its texts.
func Words(texts ...string) string {
	var out []string
	for _, t := range texts {
		for _, run := range runs(Fold(t)) {
			out = append(out, run.kept()...)
		}
	}
	return strings.Join(out[:min(len(out), maxKept)], " ")
}

// run is a word, or characters of a script without spaces.
type run struct {
	text     []rune
	unspaced bool
}

func runs(s string) (out []run) {
	var cur run
	end := func() {
		if len(cur.text) > 0 {
			out = append(out, cur)
		}
		cur = run{}
	}
	for _, r := range s {
		if !unicode.In(r, unicode.L, unicode.N, unicode.Mc) {
			end()
			continue
		}
		if alone := unicode.In(r, unspaced...); alone != cur.unspaced {
			end()
			cur.unspaced = alone
		}
		cur.text = append(cur.text, r)
	}
	end()
	return out
}

// kept are the words under which a run is found: pairs, and the last character
// for who looks for it alone.
func (r run) kept() []string {
	if !r.unspaced {
		return []string{string(r.text[:min(len(r.text), maxRunes)])}
	}
	return append(r.pairs(), string(r.text[len(r.text)-1:]))
}

func (r run) pairs() (out []string) {
	for i := range len(r.text) - 1 {
		out = append(out, string(r.text[i:i+2]))
	}
	return out
}

// Query is what somebody looks for: of each element one of the words must be
// there. The zero value looks for nothing.
type Query [][]string

// Parse reads what somebody typed. It looks for nothing when there is no word
// in it.
func Parse(text string) (q Query) {
	for _, run := range runs(Fold(text)) {
		words := run.kept()
		if run.unspaced && len(run.text) > 1 {
			words = run.pairs()
		}
		for _, w := range words {
			if len(q) < maxWords && !slices.ContainsFunc(q, func(g []string) bool { return g[0] == w }) {
				q = append(q, []string{w})
			}
		}
	}
	return q
}

// Vector is the expression that PostgreSQL indexes for a column of words.
func Vector(column string) string {
	return "array_to_tsvector(array_remove(string_to_array(" + column + ", ' '), ''))"
}

// Index names what is searched in: the table of the rows with its column of
// words, the FTS5 table that SQLite has for it, and how the query around calls
// the row's id.
type Index struct{ Rows, Words, Table, ID string }

// Condition is true of the rows that q finds; ? in it stands for arg.
func (q Query) Condition(d db.Dialect, i Index) (condition string, arg string) {
	if d == db.Postgres {
		// As an array, so that the index is asked first: else the planner may walk
		// through another one and look at the words of each row.
		return i.ID + " = ANY (ARRAY(SELECT id FROM " + i.Rows + " WHERE " + Vector(i.Words) + " @@ CAST(?::text AS tsquery)))",
			q.expression("'", "':*", " & ", " | ")
	}
	return i.ID + " IN (SELECT rowid FROM " + i.Table + " WHERE " + i.Table + " MATCH ?)", q.expression(`"`, `" *`, " AND ", " OR ")
}

// expression writes the query in the database's own words. Ours are letters and
// digits, so nothing in them has a meaning there (SEC-51).
func (q Query) expression(open, end, and, or string) string {
	groups := make([]string, len(q))
	for i, words := range q {
		parts := make([]string, len(words))
		for j, w := range words {
			parts[j] = open + w + end
		}
		groups[i] = "(" + strings.Join(parts, or) + ")"
	}
	return strings.Join(groups, and)
}

// Weights of [Query.Score].
const (
	whole     = 4.0 // a word of the title is the one looked for
	beginning = 2.0 // it begins with it
	first     = 1.0 // besides, it is the title's first
	complete  = 3.0 // the title has no other words
)

// Score tells how well a title answers a query; 0 when none of its words does.
func (q Query) Score(title string) (score float64) {
	words := strings.Fields(Words(title))
	exact := 0
	for _, group := range q {
		best := 0.0
		for i, w := range words {
			for _, g := range group {
				s := 0.0
				if w == g {
					s = whole
				} else if strings.HasPrefix(w, g) {
					s = beginning
				}
				if s > 0 && i == 0 {
					s += first
				}
				best = max(best, s)
			}
		}
		if best >= whole {
			exact++
		}
		score += best
	}
	if exact == len(q) && len(words) == len(q) {
		score += complete
	}
	return score
}
