package hostrule

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/config/db"
)

// Rule is a row of the table host_rules.
type Rule struct {
	ID        int64     `gorm:"primaryKey" json:"-"`
	Host      string    `json:"host"` // in iri's spelling
	Action    string    `json:"action"`
	Reason    string    `json:"reason"` // for administrators
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// TableName names the table.
func (Rule) TableName() string { return "host_rules" }

// standingRow is a row of host_standings: a host of known actors that has not
// the full standing, for queries.
type standingRow struct {
	Host     string `gorm:"primaryKey"`
	Standing Standing
}

func (standingRow) TableName() string { return "host_standings" }

// factRow is a row of instance_facts.
type factRow struct {
	Name  string `gorm:"primaryKey"`
	Value string
}

func (factRow) TableName() string { return "instance_facts" }

// Facts: a number that changes with the rules, and the mode that the standings
// were worked out for.
const (
	factVersion = "host_rules"
	factMode    = "federation_mode"
)

func fact(q *gorm.DB, name string) (string, error) {
	var rows []factRow
	if err := q.Where("name = ?", name).Find(&rows).Error; err != nil {
		return "", fmt.Errorf("rules for hosts: %w", err)
	}
	if len(rows) == 0 {
		return "", nil
	}
	return rows[0].Value, nil
}

func setFact(tx *db.Tx, name, value string) error {
	err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&factRow{name, value}).Error
	if err != nil {
		return fmt.Errorf("rules for hosts: %w", err)
	}
	return nil
}

func readRules(q *gorm.DB) (map[string]string, error) {
	var rows []Rule
	if err := q.Select("host", "action").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("rules for hosts: %w", err)
	}
	out := make(map[string]string, len(rows))
	for _, row := range rows {
		out[row.Host] = row.Action
	}
	return out, nil
}

// Prepare reads the rules, and works the standings out anew when the mode is
// another one than at the last start. It runs after the migrations.
func (r *Rules) Prepare(ctx context.Context) error {
	if fresh := r.snapshot(ctx); fresh.unknown {
		return errors.New("rules for hosts: the database does not answer")
	}
	was, err := fact(r.db.Read(ctx), factMode)
	if err != nil || was == r.mode || was == "" && r.mode == Open {
		return err
	}
	return r.change(ctx, func(*db.Tx) error { return nil })
}

// Set makes or replaces the rule for a host.
func (r *Rules) Set(ctx context.Context, host, action, reason string) error {
	name, err := normal(strings.TrimSpace(host))
	if err != nil {
		return err
	}
	switch {
	case action != Block && action != Limit && action != Allow:
		return fmt.Errorf("%w, not %q", ErrAction, action)
	case name == r.own:
		return fmt.Errorf("%w: %s", ErrOwnHost, name)
	}
	now := db.Now()
	row := &Rule{Host: name, Action: action, Reason: reason, CreatedAt: now, UpdatedAt: now}
	return r.change(ctx, func(tx *db.Tx) error {
		return tx.Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "host"}}, DoUpdates: clause.AssignmentColumns([]string{"action", "reason", "updated_at"}),
		}).Create(row).Error
	})
}

// Remove takes the rule for a host back. When action is given, only a rule that
// says so.
func (r *Rules) Remove(ctx context.Context, host, action string) error {
	name, err := normal(strings.TrimSpace(host))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return r.change(ctx, func(tx *db.Tx) error {
		q := tx.Where("host = ?", name)
		if action != "" {
			q = q.Where("action = ?", action)
		}
		res := q.Delete(&Rule{})
		if res.Error == nil && res.RowsAffected == 0 {
			return ErrNotFound
		}
		return res.Error
	})
}

// change makes a change of the rules with all that follows from it.
func (r *Rules) change(ctx context.Context, do func(*db.Tx) error) error {
	err := r.db.Tx(ctx, func(tx *db.Tx) error {
		// First, so that on PostgreSQL changes wait for each other here.
		if err := setFact(tx, factVersion, strconv.FormatUint(rand.Uint64(), 36)); err != nil { //nolint:gosec // no secret
			return err
		}
		if err := do(tx); err != nil {
			return err
		}
		if err := setFact(tx, factMode, r.mode); err != nil {
			return err
		}
		return r.settle(tx)
	})
	if err != nil {
		return fmt.Errorf("rule for a host: %w", err)
	}
	fresh, err := load(r.db.Read(ctx), nil)
	if err != nil {
		return err
	}
	r.current.Store(fresh)
	return nil
}

// settle writes the standing of every host that actors are known of.
func (r *Rules) settle(tx *db.Tx) error {
	rules, err := readRules(tx.DB)
	if err != nil {
		return err
	}
	var hosts []string
	if err := tx.Raw("SELECT DISTINCT host FROM actors WHERE host <> ''").Scan(&hosts).Error; err != nil {
		return fmt.Errorf("hosts of actors: %w", err)
	}
	var rows []standingRow
	for _, h := range hosts {
		if s := r.standing(rules, h); s != Full {
			rows = append(rows, standingRow{h, s})
		}
	}
	if err := tx.Where("1 = 1").Delete(&standingRow{}).Error; err != nil {
		return fmt.Errorf("standings: %w", err)
	}
	if len(rows) == 0 {
		return nil
	}
	if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).CreateInBatches(rows, 500).Error; err != nil {
		return fmt.Errorf("standings: %w", err)
	}
	return nil
}

// Seen notes, in the transaction that stores an actor, a host that may be new.
func (r *Rules) Seen(tx *db.Tx, host string) error {
	s := r.read(tx.Statement.Context, tx.DB)
	if host == "" || s.unknown || len(s.rules) == 0 && r.mode == Open {
		return nil
	}
	standing := r.standing(s.rules, host)
	if standing == Full {
		return nil
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&standingRow{host, standing}).Error; err != nil {
		return fmt.Errorf("standings: %w", err)
	}
	return nil
}

// Filter narrows a list of rules; empty fields do not.
type Filter struct{ Action, Search string }

// List gives rules and how many there are. order is trusted SQL.
func (r *Rules) List(ctx context.Context, f Filter, order string, offset, limit int) ([]Rule, int64, error) {
	q := r.db.Read(ctx).Model(&Rule{})
	if f.Action != "" {
		q = q.Where("action = ?", f.Action)
	}
	if f.Search != "" {
		q = q.Where(`host LIKE ? ESCAPE '\'`, "%"+db.Like(strings.ToLower(f.Search))+"%")
	}
	q = q.Session(&gorm.Session{})
	var total int64
	if err := q.Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count rules: %w", err)
	}
	var rows []Rule
	if err := q.Order(order).Offset(offset).Limit(limit).Find(&rows).Error; err != nil {
		return nil, 0, fmt.Errorf("list rules: %w", err)
	}
	return rows, total, nil
}

// Shown is the SQL condition under which what an actor made is shown to a
// viewer: its host is not blocked, and where only followers see it, the viewer
// follows the actor. host and actor are columns (trusted SQL) with the actor's
// host and id; viewer is the id of the viewer's actor, 0 for a stranger.
func Shown(host, actor string, viewer int64) (condition string, args []any) {
	return `NOT EXISTS (SELECT 1 FROM host_standings hs WHERE hs.host = ` + host + ` AND (hs.standing = ?
		OR NOT EXISTS (SELECT 1 FROM follows hf WHERE hf.target_id = ` + actor + ` AND hf.follower_id = ? AND hf.state = 'accepted')))`,
		[]any{Blocked, viewer}
}

// Hidden is an SQL query for the ids of the actors that [Shown] leaves out, for
// lists that find their actors on another way: it does not depend on the rows
// of the list, so it runs once.
func Hidden(viewer int64) (query string, args []any) {
	return `SELECT ha.id FROM host_standings hs JOIN actors ha ON ha.host = hs.host WHERE hs.standing = ?
		OR NOT EXISTS (SELECT 1 FROM follows hf WHERE hf.target_id = ha.id AND hf.follower_id = ? AND hf.state = 'accepted')`,
		[]any{Blocked, viewer}
}

// Silent is an SQL query for the ids of the actors on blocked hosts, for lists of
// those who look after what followers alone are shown, too.
func Silent() (query string, args []any) {
	return `SELECT sa.id FROM host_standings ss JOIN actors sa ON sa.host = ss.host WHERE ss.standing = ?`, []any{Blocked}
}
