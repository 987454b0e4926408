package db

import (
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
