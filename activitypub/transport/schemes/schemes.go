// Package schemes keeps in the database which kind of HTTP signature each host
// has taken, so that after a restart the first knock is the right one again.
//
// Imports signature; imported by the server alone.
package schemes

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/config/db"
)

// Store is a transport.Schemes on the table host_schemes.
type Store struct {
	db  *db.DB
	log *slog.Logger
}

// New makes a Store.
func New(d *db.DB, log *slog.Logger) *Store { return &Store{db: d, log: log} }

type row struct {
	Host      string `gorm:"primaryKey"`
	Scheme    string
	UpdatedAt time.Time
}

func (row) TableName() string { return "host_schemes" }

// Scheme gives what the host took last, "" when that is not known.
func (s *Store) Scheme(ctx context.Context, host string) signature.Scheme {
	var r row
	err := s.db.Read(ctx).Where("host = ?", host).Take(&r).Error
	switch {
	case errors.Is(err, db.ErrNotFound):
		return ""
	case err != nil:
		s.log.WarnContext(ctx, "signature scheme not read", "host", host, "error", err)
		return ""
	}
	switch k := signature.Scheme(r.Scheme); k {
	case signature.Cavage, signature.RFC9421:
		return k
	}
	return ""
}

// Took notes what the host took. A failure is logged: it costs another knock
// after the next start.
func (s *Store) Took(ctx context.Context, host string, k signature.Scheme) {
	r := row{Host: host, Scheme: string(k), UpdatedAt: db.Now()}
	// The request is done, whatever becomes of its context.
	ctx = context.WithoutCancel(ctx)
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		return tx.Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "host"}}, DoUpdates: clause.AssignmentColumns([]string{"scheme", "updated_at"}),
		}).Create(&r).Error
	})
	if err != nil {
		s.log.WarnContext(ctx, "signature scheme not kept", "host", host, "error", err)
		return
	}
	s.log.InfoContext(ctx, "signature scheme taken", "host", host, "scheme", k)
}
