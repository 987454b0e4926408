// Package rehost gives a server another public address: every id and link of its
// own that the database holds is written anew. Other servers know the old ones;
// to them the server is a new one, which nobody follows. Whom it followed it
// asks again.
//
// Imported by: main. Imports no sibling.
package rehost

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/config/db"
)

// ErrSame says that the server has the address already.
var ErrSame = errors.New("the server has this address already")

// kept are the tables that record what was received and sent, and those that
// hold no address.
func kept() []string {
	return []string{"inbox", "outbox", "deliveries", "jobs", "job_slots", "job_holds", "custom_configs", "mails", "tickets", "tombstones"}
}

// Moved is what became of a server.
type Moved struct {
	From, To       string
	Changed        map[string]int64 // values, by column
	FollowersGone  int64            // from other servers, who follow what is not there any more
	FollowsPending int64            // of other servers, asked for again at the next start
}

// Move writes to, such as https://videos.example.org, instead of the address
// that the server had, and calls then in the same transaction.
func Move(ctx context.Context, d *db.DB, to string, then func(*db.Tx) error) (m Moved, err error) {
	err = d.Tx(ctx, func(tx *db.Tx) error {
		var had []string
		if err := tx.Raw("SELECT value FROM instance_facts WHERE name = 'origin'").Scan(&had).Error; err != nil {
			return err
		}
		if len(had) == 0 {
			return errors.New("the server was never started")
		}
		if had[0] == to {
			return fmt.Errorf("%w: %s", ErrSame, to)
		}
		m = Moved{From: had[0], To: to, Changed: map[string]int64{}}
		columns, err := texts(tx)
		if err != nil {
			return err
		}
		for _, c := range columns {
			n, err := replace(tx, c, m.From+"/", to+"/")
			if err != nil {
				return fmt.Errorf("%s.%s: %w", c.Table, c.Column, err)
			}
			if n > 0 {
				m.Changed[c.Table+"."+c.Column] = n
			}
		}
		if err := tx.Exec("UPDATE instance_facts SET value = ? WHERE name = 'origin'", to).Error; err != nil {
			return err
		}
		if m.FollowersGone, m.FollowsPending, err = activitypub.FollowAgain(tx); err != nil {
			return err
		}
		return then(tx)
	})
	return m, err
}

// column is one that holds texts.
type column struct{ Table, Column string }

func texts(tx *db.Tx) ([]column, error) {
	q := `SELECT m.name AS "table", p.name AS "column" FROM sqlite_master m JOIN pragma_table_info(m.name) p
		WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND m.name NOT LIKE 'schema\_%' ESCAPE '\'
		AND NOT EXISTS (SELECT 1 FROM sqlite_master v WHERE v.sql LIKE 'CREATE VIRTUAL%' AND m.name LIKE v.name || '\_%' ESCAPE '\')
		AND p.type = 'TEXT' ORDER BY 1, 2`
	if tx.Dialect() == db.Postgres {
		q = `SELECT c.table_name AS "table", c.column_name AS "column" FROM information_schema.columns c
			JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name AND t.table_type = 'BASE TABLE'
			WHERE c.table_schema = current_schema() AND c.data_type = 'text' AND c.is_generated = 'NEVER' AND c.table_name NOT LIKE 'schema\_%' ORDER BY 1, 2`
	}
	var all []column
	err := tx.Raw(q).Scan(&all).Error
	return slices.DeleteFunc(all, func(c column) bool { return slices.Contains(kept(), c.Table) }), err
}

// replace changes all values of a column that hold the old address.
func replace(tx *db.Tx, c column, from, to string) (int64, error) {
	name := tx.Statement.Quote(c.Column)
	res := tx.Exec(fmt.Sprintf(`UPDATE %s SET %s = REPLACE(%s, ?, ?) WHERE %s LIKE ? ESCAPE '\'`, tx.Statement.Quote(c.Table), name, name, name),
		from, to, "%"+db.Like(from)+"%")
	return res.RowsAffected, res.Error
}
