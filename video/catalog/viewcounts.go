package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/kinemesh/kinemesh/config/db"
)

// AddViews adds views to local videos, by row id, with one statement. What a
// remote video has is its origin's to say (SEC-17).
func AddViews(tx *db.Tx, views map[int64]int64) error { return addTo(tx, "views", views) }

// AddDownloads adds downloads to local videos likewise.
func AddDownloads(tx *db.Tx, downloads map[int64]int64) error {
	return addTo(tx, "downloads", downloads)
}

// addTo writes the numbers into the statement: as parameters they would have no
// type for PostgreSQL.
func addTo(tx *db.Tx, column string, add map[int64]int64) error {
	if len(add) == 0 {
		return nil
	}
	var b strings.Builder
	ids := slices.Sorted(maps.Keys(add))
	for _, id := range ids {
		b.WriteString(" WHEN " + strconv.FormatInt(id, 10) + " THEN " + strconv.FormatInt(add[id], 10))
	}
	err := tx.Exec("UPDATE videos SET "+column+" = "+column+" + CASE id"+b.String()+" ELSE 0 END WHERE local AND id IN ?", ids).Error
	if err != nil {
		return fmt.Errorf("count %s: %w", column, err)
	}
	return nil
}
