package listing

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/fulltext"
)

// Explain is the plan by which the database answers a list while there are rules
// for servers.
func (s *Service) Explain(ctx context.Context, f Filter) (string, error) {
	f.words = fulltext.Parse(f.Search)
	q := f.query(s.db.Dialect(), s.host)
	if !f.All {
		q.hide(&f)
	}
	text, args := f.pageSQL(s.db.Dialect(), q, f.Page.Start, f.Page.Count)
	return s.explain(s.db.Read(ctx), text, args)
}

// ExplainWhole is the plan by which the ids of a whole list are found, which far
// pages are cut from.
func (s *Service) ExplainWhole(ctx context.Context, f Filter) (plan string, err error) {
	text, args := f.idsSQL(s.db.Dialect(), f.query(s.db.Dialect(), s.host), 0, maxWhole)
	err = s.db.AlongIndexes(ctx, func(g *gorm.DB) error {
		plan, err = s.explain(g, text, args)
		return err
	})
	return plan, err
}

func (s *Service) explain(g *gorm.DB, text string, args []any) (string, error) {
	prefix, column := "EXPLAIN QUERY PLAN ", 3
	if s.db.Dialect() == db.Postgres {
		prefix, column = "EXPLAIN ", 0
	}
	rows, err := g.Raw(prefix+text, args...).Rows()
	if err != nil {
		return "", fmt.Errorf("explain: %w", err)
	}
	defer rows.Close()
	var b strings.Builder
	for rows.Next() {
		values := make([]any, column+1)
		for i := range values {
			values[i] = new(sql.RawBytes)
		}
		if err := rows.Scan(values...); err != nil {
			return "", fmt.Errorf("explain: %w", err)
		}
		b.Write(*values[column].(*sql.RawBytes))
		b.WriteByte('\n')
	}
	return b.String(), rows.Err()
}
