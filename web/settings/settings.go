// Package settings is what administrators change while the server runs: the
// custom configuration of the API. Changes are rows, the newest one holds, on
// top of the file; every process of the server follows within seconds.
//
// Invariants
//   - a row holds only values that differ from those of the file, so that what
//     nobody changed still follows the file
//   - a row was valid when it was written; one that is not any more, since the
//     file changed, is left out with a warning and the server still starts
package settings

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// followEvery is how soon a change in another process is seen.
const followEvery = 2 * time.Second

// keepRows is how many changes are remembered.
const keepRows = 1000

// Change is a row: what an administrator made of the settings.
type Change struct {
	ID        int64
	Settings  string // JSON, value by key
	UserID    *int64
	Username  string
	CreatedAt time.Time
}

// TableName is for GORM.
func (Change) TableName() string { return "custom_configs" }

// Options are what a Store needs.
type Options struct {
	DB     *db.DB
	Config *config.Config
	Logger *slog.Logger
}

// Store keeps the changes. Call [Store.Load] before the settings are used.
type Store struct {
	// Adopted is called after each change that this process took over; nil: nothing
	// is. It is set before Run.
	Adopted func()

	o    Options
	seen atomic.Int64 // id of the row that this process has adopted
}

// New returns a Store.
func New(o Options) *Store { return &Store{o: o} }

// Load takes over the newest change, if this process has not done so.
func (s *Store) Load(ctx context.Context) error {
	var newest []Change
	if err := s.o.DB.Read(ctx).Select("id, settings").Order("id DESC").Limit(1).Find(&newest).Error; err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	if len(newest) == 0 || newest[0].ID == s.seen.Load() {
		return nil
	}
	c := newest[0]
	values, err := c.values()
	if err != nil {
		return err
	}
	next, err := s.o.Config.With(values)
	if err != nil {
		s.o.Logger.ErrorContext(ctx, "changed settings do not fit the file any more and are left out", "error", err)
		next = nil
	}
	s.adopt(c.ID, next)
	return nil
}

func (c Change) values() (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(c.Settings)))
	d.UseNumber()
	values := map[string]any{}
	if err := d.Decode(&values); err != nil {
		return nil, fmt.Errorf("settings of change %d: %w", c.ID, err)
	}
	return values, nil
}

func (s *Store) adopt(id int64, next *config.Config) {
	if s.seen.Swap(id) == id {
		return
	}
	s.o.Config.Adopt(next)
	if s.Adopted != nil {
		s.Adopted()
	}
}

// Run follows what other processes change until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := s.Load(ctx); err != nil && ctx.Err() == nil {
				s.o.Logger.WarnContext(ctx, "settings not read, trying again", "error", err)
			}
		}
	}
}

// Set makes values hold on top of the file, instead of what held before, in
// the name of by. An error that is a *[config.ValueError] names a key.
func (s *Store) Set(ctx context.Context, by *rest.Principal, values map[string]any) error {
	base := s.o.Config.Base()
	for key, v := range values {
		if base.Same(key, v) {
			delete(values, key)
		}
	}
	next, err := s.o.Config.With(values)
	if err != nil {
		return err
	}
	text, err := json.Marshal(values)
	if err != nil {
		return err
	}
	c := Change{Settings: string(text), UserID: &by.UserID, Username: by.Username, CreatedAt: db.Now()}
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := tx.Create(&c).Error; err != nil {
			return err
		}
		return tx.Where("id <= ?", c.ID-keepRows).Delete(&Change{}).Error
	})
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	s.adopt(c.ID, next)
	s.o.Logger.InfoContext(ctx, "settings changed", "audit", true, "user", by.Username, "domain", "config", "action", "update", "settings", c.Settings)
	return nil
}

// changed are the values that hold on top of the file.
func (s *Store) changed(ctx context.Context) (map[string]any, error) {
	var newest []Change
	if err := s.o.DB.Read(ctx).Order("id DESC").Limit(1).Find(&newest).Error; err != nil || len(newest) == 0 {
		return map[string]any{}, err
	}
	return newest[0].values()
}
