package db

import (
	"context"
	"database/sql"
	"strconv"

	"gorm.io/gorm"
)

// Each runs a query and gives its rows to fn, one by one. It is for lists that
// are asked for often: what GORM needs to fill structs is most of what their rows
// cost.
func Each(g *gorm.DB, fn func(*sql.Rows) error, text string, args ...any) error {
	rows, err := g.Raw(text, args...).Rows()
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells what went wrong
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// IDs runs a query of one column of ids.
func IDs(g *gorm.DB, text string, args ...any) (ids []int64, err error) {
	err = Each(g, func(r *sql.Rows) error {
		var id int64
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	}, text, args...)
	return ids, err
}

// In is the condition that a column is one of some ids: a text that stays the
// same on PostgreSQL, which keeps plans by it, and no parameters on SQLite.
func (d Dialect) In(column string, ids []int64) (condition string, args []any) {
	list := make([]byte, 0, 8*len(ids)+2)
	for i, id := range ids {
		if i > 0 {
			list = append(list, ',')
		}
		list = strconv.AppendInt(list, id, 10)
	}
	if d == SQLite {
		return column + " IN (" + string(list) + ")", nil
	}
	return column + " = ANY(?::bigint[])", []any{"{" + string(list) + "}"}
}

// AlongIndexes runs fn with a handle for queries that read the ids of a whole list
// of a large table. PostgreSQL's planner would scan the table for them and sort,
// which its indexes do as fast and without reading what is in no list.
func (d *DB) AlongIndexes(ctx context.Context, fn func(g *gorm.DB) error) error {
	g := d.Read(ctx)
	if d.dialect == SQLite {
		return fn(g)
	}
	return g.Transaction(func(tx *gorm.DB) error {
		// Where no index helps, the cost that forbids the scan must not have the query compiled.
		if err := tx.Exec("SET LOCAL enable_seqscan = off; SET LOCAL jit = off").Error; err != nil {
			return err
		}
		return fn(tx)
	}, &sql.TxOptions{ReadOnly: true})
}
