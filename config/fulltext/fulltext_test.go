package fulltext_test

import (
	"slices"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/config/fulltext"
)

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "",
		"%_'\"; --":               "",
		"Cats in Café, №5":        "cats in cafe no5",
		"News_now (2nd)":          "news now 2nd",
		"ПРИВЕТ мир":              "привет мир",
		"日本語":                     "日本 本語 語",
		"猫":                       "猫",
		"新しい video":               "新し しい い video",
		"สวัสดี":                  "สว วส สด ด", // without marks
		"Straße İstanbul ﬁne":     "straße istanbul fine",
		"a b c d e f g h i j k l": "a b c d e f g h i j k l",
	} {
		if got := fulltext.Words(text); got != want {
			t.Errorf("Words(%q) = %q, want %q", text, got, want)
		}
	}
	if q := fulltext.Parse("%_--"); len(q) != 0 {
		t.Errorf("without a word it looks for %v", q)
	}
	if q := fulltext.Parse("a a b c d e f g h i j k l m"); len(q) != 10 {
		t.Errorf("%d words are looked for, want 10", len(q))
	}
}

// TestFind: both databases find the same rows, by their indexes, whatever is
// typed.
func TestFind(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		texts := map[int64]string{
			1: "Cats in Café", 2: "Concatenate strings", 3: "Elephants of Botswana", 4: "日本の猫と犬", 5: "Война и мир", 6: "cat's cradle 100%",
		}
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			for _, statement := range map[db.Dialect][]string{
				db.SQLite: {
					"CREATE TABLE things (id INTEGER PRIMARY KEY, words TEXT)",
					"CREATE VIRTUAL TABLE thing_search USING fts5 (words, content = 'things', content_rowid = 'id', tokenize = 'ascii', detail = 'none', columnsize = 0)",
				},
				db.Postgres: {
					"CREATE TABLE things (id BIGINT PRIMARY KEY, words TEXT)",
					"CREATE INDEX things_search ON things USING gin (" + fulltext.Vector("words") + ")",
				},
			}[d.Dialect()] {
				if err := tx.Exec(statement).Error; err != nil {
					return err
				}
			}
			for id, text := range texts {
				words := fulltext.Words(text)
				if err := tx.Exec("INSERT INTO things VALUES (?, ?)", id, words).Error; err != nil {
					return err
				}
				if err := fulltext.Learn(tx, words); err != nil {
					return err
				}
				if err := fulltext.Learn(tx, words); err != nil { // known already
					return err
				}
			}
			if d.Dialect() == db.SQLite {
				return tx.Exec("INSERT INTO thing_search (thing_search) VALUES ('rebuild')").Error
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		find := func(q fulltext.Query) (ids []int64) {
			t.Helper()
			condition, arg := q.Condition(d.Dialect(), fulltext.Index{Rows: "things", Words: "words", Table: "thing_search", ID: "id"})
			if err := d.Read(t.Context()).Raw("SELECT id FROM things WHERE "+condition+" ORDER BY id", arg).Scan(&ids).Error; err != nil {
				t.Fatalf("%v: %v", q, err)
			}
			return ids
		}
		for typed, want := range map[string][]int64{
			"cat":               {1, 6},
			"CAFE cats":         {1},
			"café":              {1},
			"cats strings":      nil,
			"100":               {6},
			"猫":                 {4},
			"犬":                 {4},
			"日本":                {4},
			"本日":                nil,
			"война":             {5},
			"воина":             {5},
			"мИ":                {5},
			`") OR ("strings`:   nil,
			"' | 'strings' | '": {2},
		} {
			if got := find(fulltext.Parse(typed)); !slices.Equal(got, want) {
				t.Errorf("%q finds %v, want %v", typed, got, want)
			}
		}
		for typed, want := range map[string][]int64{
			"elephnts":           {3}, // a letter less
			"ellephants":         {3}, // more
			"elefhants":          {3}, // other
			"eelphants":          {3}, // swapped, in the first half
			"elephanst":          {3}, // and in the last
			"elephants botswnaa": {3},
			"eelfhants":          nil, // two mistakes
			"cts":                nil, // too short to guess
		} {
			near, err := fulltext.Parse(typed).Near(d.Read(t.Context()))
			if err != nil {
				t.Fatal(err)
			}
			var got []int64
			if near != nil {
				got = find(near)
			}
			if !slices.Equal(got, want) {
				t.Errorf("mistyped %q: %v finds %v, want %v", typed, near, got, want)
			}
		}
	})
}

func TestScore(t *testing.T) {
	titles := []string{ // best first
		"Cat videos", "Cat videos of 2026", "All my cat videos", "Cathedral videos", "Videos", "Dogs",
	}
	q := fulltext.Parse("cat videos")
	for i := range len(titles) - 1 {
		if a, b := q.Score(titles[i]), q.Score(titles[i+1]); a <= b {
			t.Errorf("%q has %v, %q has %v", titles[i], a, titles[i+1], b)
		}
	}
	if s := q.Score("Dogs"); s != 0 {
		t.Errorf("a title without the words has %v", s)
	}
}
