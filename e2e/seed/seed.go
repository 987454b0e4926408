// Package seed fills a database with an instance of any size, for benchmarks
// and for looking at pages with much on them: channels here and elsewhere,
// videos with tags, files and pictures, comments, rates, views, playlists and a
// history. The texts are made of words as frequent as those of a language, in
// several scripts. The same options give the same rows; the files are not there.
package seed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
)

// Options say how much there will be. Zero values take a share of Videos.
type Options struct {
	Videos    int
	Channels  int // each with its account
	Comments  int
	Accounts  int // of other servers, who comment and rate
	Playlists int
	Remote    int  // percent of the channels that are on other servers
	Bare      bool // channels and videos alone, as an instance has them that follows many others
	Origin    string
	Now       time.Time                   // the newest video is as old as this
	Progress  func(what string, rows int) // nil: nobody is told
}

func (o *Options) complete() {
	def := func(n *int, value int) {
		if *n == 0 {
			*n = max(1, value)
		}
	}
	def(&o.Channels, o.Videos/100)
	def(&o.Accounts, o.Videos/20)
	def(&o.Playlists, o.Videos/50)
	if o.Now.IsZero() {
		o.Now = db.Now()
	}
	if o.Progress == nil {
		o.Progress = func(string, int) {}
	}
}

// filler is one run.
type filler struct {
	o   Options
	d   *db.DB
	rng *rand.Rand
	ids map[string]int64 // the first id of each table
	w   *words
}

// Fill adds to a database that a server has been started with: it is migrated,
// and the actor of the instance has its key.
func Fill(ctx context.Context, d *db.DB, o Options) error {
	o.complete()
	f := &filler{o: o, d: d, rng: rand.New(rand.NewPCG(1, 2)), ids: map[string]int64{}}
	f.w = newWords(f.rng)
	for _, table := range []string{"actors", "users", "accounts", "channels", "videos", "comments", "playlists"} {
		var last int64
		if err := d.Read(ctx).Raw("SELECT COALESCE(MAX(id), 0) FROM " + table).Scan(&last).Error; err != nil {
			return fmt.Errorf("seed %s: %w", table, err)
		}
		f.ids[table] = last + 1
	}
	for _, step := range []struct {
		what string
		do   func(*db.Tx) error
	}{
		{"words", f.vocabulary},
		{"channels", f.people},
		{"videos", f.videos},
		{"files", f.files},
		{"comments", f.comments},
		{"rates and views", f.reactions},
		{"playlists", f.playlists},
		{"follows and history", f.viewers},
		{"counters", f.finish},
	} {
		if o.Bare && (step.what == "comments" || step.what == "rates and views" || step.what == "playlists") {
			continue
		}
		began := time.Now()
		if err := d.Tx(ctx, step.do); err != nil {
			return fmt.Errorf("seed %s: %w", step.what, err)
		}
		o.Progress(step.what+" in "+time.Since(began).Round(100*time.Millisecond).String(), o.Videos)
	}
	return f.analyze(ctx)
}

// analyze lets the planner know what is there, and on PostgreSQL the indexes
// that rows need not be looked at.
func (f *filler) analyze(ctx context.Context) error {
	pool, err := f.d.Writer()
	if err != nil {
		return err
	}
	statement := "VACUUM ANALYZE"
	if f.d.Dialect() == db.SQLite {
		statement = "ANALYZE"
	}
	_, err = pool.ExecContext(ctx, statement)
	return err
}

// rows collects rows of one table and writes many with each statement.
type rows struct {
	tx      *db.Tx
	head    string
	columns int
	most    int     // values in a statement
	needs   []*rows // that must be there before
	args    []any
}

func into(tx *db.Tx, table, columns string, needs ...*rows) *rows {
	most := 30_000
	if tx.Dialect() == db.SQLite {
		most = 600 // its driver looks through all values for each
	}
	return &rows{tx: tx, most: most, needs: needs, head: "INSERT INTO " + table + " (" + columns + ") VALUES ", columns: strings.Count(columns, ",") + 1}
}

func (r *rows) add(values ...any) error {
	r.args = append(r.args, values...)
	if len(r.args)+r.columns <= r.most {
		return nil
	}
	return r.flush()
}

func (r *rows) flush() error {
	if len(r.args) == 0 {
		return nil
	}
	for _, n := range r.needs {
		if err := n.flush(); err != nil {
			return err
		}
	}
	one := "(?" + strings.Repeat(",?", r.columns-1) + ")"
	n := len(r.args) / r.columns
	err := r.tx.Exec(r.head+one+strings.Repeat(","+one, n-1), r.args...).Error
	r.args = r.args[:0]
	return err
}

// exec runs statements one after the other. {x @@ y} in them is x on SQLite and
// y on PostgreSQL.
func exec(tx *db.Tx, statements ...string) error {
	for _, s := range statements {
		if err := tx.Exec(dialect(tx.Dialect(), s)).Error; err != nil {
			return err
		}
	}
	return nil
}

func dialect(d db.Dialect, s string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		choice, after, _ := strings.Cut(rest, "}")
		lite, pg, _ := strings.Cut(choice, " @@ ")
		if d == db.Postgres {
			lite = pg
		}
		b.WriteString(lite)
		s = after
	}
}

// series is a table s with one column n from 0 to count-1.
func series(count int) string {
	return fmt.Sprintf("{(WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n + 1 < %d) SELECT n FROM c) @@ (SELECT generate_series(0::bigint, %d) AS n)} s",
		count, count-1)
}

// finish makes the counters of rows true and the sequences go on behind the rows.
func (f *filler) finish(tx *db.Tx) error {
	err := exec(tx, fmt.Sprintf(`UPDATE videos SET comments = (SELECT COUNT(*) FROM comments c WHERE c.video_id = videos.id)
 WHERE id >= %d AND id IN (SELECT video_id FROM comments)`, f.ids["videos"]))
	if err != nil || tx.Dialect() != db.Postgres {
		return err
	}
	for table := range f.ids {
		if err := tx.Exec("SELECT setval(pg_get_serial_sequence('" + table + "', 'id'), (SELECT MAX(id) FROM " + table + "))").Error; err != nil {
			return err
		}
	}
	return nil
}
