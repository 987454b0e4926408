package fulltext

import (
	"database/sql"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config/db"
)

// minTypo is the length from which a word may have a letter wrong; shorter ones
// have too many neighbours.
const minTypo = 4

// maxNear bounds the words that a mistyped one may stand for.
const maxNear = 5

// Learn notes the words of a row in search_words, so that [Query.Near] knows
// how they are written.
func Learn(tx *db.Tx, words string) error {
	seen := map[string]bool{}
	var values []string
	var args []any
	for w := range strings.FieldsSeq(words) {
		if r := []rune(w); len(r) >= minTypo && !seen[w] {
			seen[w] = true
			values, args = append(values, "(?, ?)"), append(args, w, reversed(r))
		}
	}
	if len(values) == 0 {
		return nil
	}
	err := tx.Exec("INSERT INTO search_words (word, reversed) VALUES "+strings.Join(values, ", ")+" ON CONFLICT (word) DO NOTHING", args...).Error
	if err != nil {
		return fmt.Errorf("learn words: %w", err)
	}
	return nil
}

// Near is q with what else its words may have been meant to be: words with one
// letter more, less, other or swapped with its neighbour. It is nil when there
// are none.
func (q Query) Near(g *gorm.DB) (Query, error) {
	var out Query
	found := false
	for _, group := range q {
		near, err := nearest(g, group[0])
		if err != nil {
			return nil, err
		}
		found = found || len(near) > 0
		out = append(out, append(group[:1:1], near...))
	}
	if !found {
		return nil, nil
	}
	return out, nil
}

// candidates bounds how many known words are compared with a mistyped one.
const candidates = 2000

// nearest looks among the words that share one half with w: a single mistake
// leaves the other half as it is.
func nearest(g *gorm.DB, w string) (near []string, err error) {
	r := []rune(w)
	if len(r) < minTypo || len(r) > maxRunes {
		return nil, nil
	}
	half := len(r) / 2
	seen := map[string]bool{}
	for column, begin := range map[string]string{
		"word": string(r[:half]), "reversed": reversed(r[len(r)-half:]),
	} {
		err := db.Each(g, func(rows *sql.Rows) error {
			var c string
			err := rows.Scan(&c)
			if !seen[c] && len(near) < maxNear && oneMistake(r, []rune(c)) {
				seen[c] = true
				near = append(near, c)
			}
			return err
		}, "SELECT word FROM (SELECT word FROM search_words WHERE "+column+" >= ? AND "+column+" < ? ORDER BY "+column+" LIMIT ?) AS known WHERE LENGTH(word) BETWEEN ? AND ?",
			begin, begin+string(rune(0x10FFFF)), candidates, len(r)-1, len(r)+1)
		if err != nil {
			return nil, fmt.Errorf("similar words: %w", err)
		}
	}
	return near, nil
}

func reversed(r []rune) string {
	out := make([]rune, len(r))
	for i, c := range r {
		out[len(r)-1-i] = c
	}
	return string(out)
}

// oneMistake tells whether a letter added, dropped, changed or swapped with its
// neighbour makes b of a.
func oneMistake(a, b []rune) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return string(a[i:]) == string(b[i+1:])
	}
	if i == len(a) {
		return false // the same
	}
	return string(a[i+1:]) == string(b[i+1:]) ||
		i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && string(a[i+2:]) == string(b[i+2:])
}
