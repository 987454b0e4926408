package actor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/config/db"
)

// The states of a follow.
const (
	Pending  = "pending"
	Accepted = "accepted"
	Rejected = "rejected"
)

// Follow is a row of the table follows: Follower wants what Target publishes.
type Follow struct {
	ID         int64 `gorm:"primaryKey"`
	FollowerID int64
	TargetID   int64
	State      string
	IRI        string // of the Follow activity
	CreatedAt  time.Time
	UpdatedAt  time.Time

	Follower *Actor `gorm:"foreignKey:FollowerID"`
	Target   *Actor `gorm:"foreignKey:TargetID"`
}

// TableName names the table.
func (Follow) TableName() string { return "follows" }

// FollowBetween reads the follow of two actors; q is db.Read or a transaction.
func FollowBetween(q *gorm.DB, followerID, targetID int64) (*Follow, error) {
	var f Follow
	err := q.Where("follower_id = ? AND target_id = ?", followerID, targetID).Take(&f).Error
	if err != nil {
		return nil, fmt.Errorf("follow: %w", err)
	}
	return &f, nil
}

// FollowChange is what happened to a follow: it was made, accepted, rejected,
// or ended.
type FollowChange struct {
	Follower, Target *Actor
	State            string // Pending, Accepted, Rejected, or "" when the follow ended
	Was              string // the state before; "" when there was no follow
}

// SaveFollow makes the follow or gives the one that exists its state and IRI.
// changed tells whether anything is different from before.
func (s *Service) SaveFollow(tx *db.Tx, follower, target *Actor, state, id string) (f *Follow, changed bool, err error) {
	now := db.Now()
	f, err = FollowBetween(tx.DB, follower.ID, target.ID)
	if errors.Is(err, ErrNotFound) {
		f = &Follow{FollowerID: follower.ID, TargetID: target.ID, State: state, IRI: id, CreatedAt: now, UpdatedAt: now}
		if err := tx.Create(f).Error; err != nil {
			return nil, false, fmt.Errorf("create follow: %w", err)
		}
		return f, true, s.followChanged(tx, FollowChange{Follower: follower, Target: target, State: state})
	}
	if err != nil {
		return nil, false, err
	}
	if f.State == state && f.IRI == id {
		return f, false, nil
	}
	was := f.State
	f.State, f.IRI, f.UpdatedAt = state, id, now
	err = tx.Model(&Follow{}).Where("id = ?", f.ID).
		Updates(map[string]any{"state": state, "iri": id, "updated_at": now}).Error
	if err != nil {
		return nil, false, fmt.Errorf("update follow: %w", err)
	}
	return f, true, s.followChanged(tx, FollowChange{Follower: follower, Target: target, State: state, Was: was})
}

// SetFollowState changes the state; changed is false when it was so already,
// or the follow is no more. f keeps what it was.
func (s *Service) SetFollowState(tx *db.Tx, f *Follow, state string) (changed bool, err error) {
	res := tx.Model(&Follow{}).Where("id = ? AND state <> ?", f.ID, state).
		Updates(map[string]any{"state": state, "updated_at": db.Now()})
	if res.Error != nil {
		return false, fmt.Errorf("update follow: %w", res.Error)
	}
	if res.RowsAffected == 0 {
		return false, nil
	}
	ends, err := pair(tx, f)
	if err != nil {
		return false, err
	}
	ends.State, ends.Was = state, f.State
	return true, s.followChanged(tx, ends)
}

// DeleteFollow removes the follow of two actors; existed tells whether there
// was one.
func (s *Service) DeleteFollow(tx *db.Tx, followerID, targetID int64) (existed bool, err error) {
	f, err := FollowBetween(tx.DB, followerID, targetID)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	res := tx.Where("id = ?", f.ID).Delete(&Follow{})
	if res.Error != nil {
		return false, fmt.Errorf("delete follow: %w", res.Error)
	}
	if res.RowsAffected == 0 {
		return false, nil
	}
	ends, err := pair(tx, f)
	if err != nil {
		return false, err
	}
	ends.Was = f.State
	return true, s.followChanged(tx, ends)
}

// pair reads both actors of a follow.
func pair(tx *db.Tx, f *Follow) (c FollowChange, err error) {
	if c.Follower, err = one(tx.Where("id = ?", f.FollowerID)); err != nil {
		return c, err
	}
	c.Target, err = one(tx.Where("id = ?", f.TargetID))
	return c, err
}

// endFollows removes all follows of an actor that is gone. Those who followed
// one of ours may be many: what is told about them is that the actor is gone.
func (s *Service) endFollows(tx *db.Tx, a *Actor) error {
	q := tx.Preload("Follower").Preload("Target")
	if a.Local() {
		q = q.Where("follower_id = ?", a.ID)
	} else {
		q = q.Where("follower_id = ? OR target_id = ?", a.ID, a.ID)
	}
	var rows []Follow
	if err := q.Order("id").Find(&rows).Error; err != nil {
		return fmt.Errorf("follows of gone actor: %w", err)
	}
	if err := tx.Where("follower_id = ? OR target_id = ?", a.ID, a.ID).Delete(&Follow{}).Error; err != nil {
		return fmt.Errorf("follows of gone actor: %w", err)
	}
	for _, f := range rows {
		if err := s.followChanged(tx, FollowChange{Follower: f.Follower, Target: f.Target, Was: f.State}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) followChanged(tx *db.Tx, c FollowChange) error {
	if s.FollowChanged == nil {
		return nil
	}
	return s.FollowChanged(tx, c)
}

// FollowerInboxes gives where an activity for the accepted followers of some
// actors goes: each shared inbox once, never our own.
func FollowerInboxes(q *gorm.DB, targetIDs []int64) ([]string, error) {
	var out []string
	if len(targetIDs) == 0 {
		return nil, nil
	}
	err := q.Raw(`SELECT DISTINCT CASE WHEN a.shared_inbox <> '' THEN a.shared_inbox ELSE a.inbox END AS box
		FROM follows f JOIN actors a ON a.id = f.follower_id
		WHERE f.target_id IN ? AND f.state = ? AND a.host <> '' AND a.gone_at IS NULL
		ORDER BY box`, targetIDs, Accepted).Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("inboxes of followers: %w", err)
	}
	return out, nil
}

// FollowersOn gives the accepted followers of an actor that live on a host; ""
// means here.
func (s *Service) FollowersOn(ctx context.Context, id int64, host string) ([]string, error) {
	var out []string
	err := s.db.Read(ctx).Raw(`SELECT a.iri FROM follows f JOIN actors a ON a.id = f.follower_id
		WHERE f.target_id = ? AND f.state = ? AND a.host = ? AND a.gone_at IS NULL ORDER BY a.iri`, id, Accepted, host).Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("followers on %q: %w", host, err)
	}
	return out, nil
}

// FollowersByHost gives all accepted followers of an actor that live elsewhere.
func (s *Service) FollowersByHost(ctx context.Context, id int64) (map[string][]string, error) {
	var rows []struct{ IRI, Host string }
	err := s.db.Read(ctx).Raw(`SELECT a.iri, a.host FROM follows f JOIN actors a ON a.id = f.follower_id
		WHERE f.target_id = ? AND f.state = ? AND a.host <> '' AND a.gone_at IS NULL`, id, Accepted).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("followers by host: %w", err)
	}
	out := map[string][]string{}
	for _, r := range rows {
		out[r.Host] = append(out[r.Host], r.IRI)
	}
	return out, nil
}

// FollowerCounts counts the accepted followers we know of.
func (s *Service) FollowerCounts(ctx context.Context, ids []int64) (map[int64]int64, error) {
	return s.counts(ctx, "target_id", ids)
}

// FollowingCounts counts whom actors follow.
func (s *Service) FollowingCounts(ctx context.Context, ids []int64) (map[int64]int64, error) {
	return s.counts(ctx, "follower_id", ids)
}

func (s *Service) counts(ctx context.Context, column string, ids []int64) (map[int64]int64, error) {
	out := make(map[int64]int64, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	var rows []struct{ ID, N int64 }
	err := s.db.Read(ctx).Model(&Follow{}).Select(column+" AS id, count(*) AS n").
		Where(column+" IN ? AND state = ?", ids, Accepted).Group(column).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count follows: %w", err)
	}
	for _, r := range rows {
		out[r.ID] = r.N
	}
	return out, nil
}

// Side selects one end of a follow.
type Side int

// The ends.
const (
	FollowersOf Side = iota // who follows the actor
	FollowedBy              // whom the actor follows
)

// FollowFilter narrows a list of follows; empty fields do not.
type FollowFilter struct {
	State  string
	Types  []string // kinds of the other actor
	Search string   // in its name or host
}

// Follows lists the follows of an actor with both actors filled in, and how
// many there are in all. order is trusted SQL over f (follows) and a (the
// other actor), ending with a tie-breaker.
func (s *Service) Follows(ctx context.Context, side Side, id int64, filter FollowFilter, order string, offset, limit int) ([]Follow, int64, error) {
	mine, other := "target_id", "follower_id"
	if side == FollowedBy {
		mine, other = other, mine
	}
	base := s.db.Read(ctx).Table("follows AS f").Joins("JOIN actors a ON a.id = f."+other).Where("f."+mine+" = ?", id)
	if filter.State != "" {
		base = base.Where("f.state = ?", filter.State)
	}
	if len(filter.Types) > 0 {
		base = base.Where("a.type IN ?", filter.Types)
	}
	if filter.Search != "" {
		like := "%" + db.Like(filter.Search) + "%"
		base = base.Where(`(lower(a.username) LIKE lower(?) ESCAPE '\' OR lower(a.host) LIKE lower(?) ESCAPE '\')`, like, like)
	}
	base = base.Session(&gorm.Session{})
	var total int64
	if err := base.Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count follows: %w", err)
	}
	var ids []int64
	if err := base.Order(order).Offset(offset).Limit(limit).Pluck("f.id", &ids).Error; err != nil {
		return nil, 0, fmt.Errorf("list follows: %w", err)
	}
	rows, err := s.FollowsByIDs(ctx, ids)
	return rows, total, err
}

// FollowsByIDs reads follows with their actors in the order of ids; unknown ids
// are left out.
func (s *Service) FollowsByIDs(ctx context.Context, ids []int64) ([]Follow, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []Follow
	err := s.db.Read(ctx).Preload("Follower").Preload("Target").Where("id IN ?", ids).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read follows: %w", err)
	}
	at := make(map[int64]Follow, len(rows))
	for _, r := range rows {
		at[r.ID] = r
	}
	out := make([]Follow, 0, len(ids))
	for _, id := range ids {
		if r, ok := at[id]; ok {
			out = append(out, r)
		}
	}
	return out, nil
}

// CollectionPage gives the IRIs of one page of an actor's followers or
// following collection and how many there are (AP 5.3, AP 5.4).
func (s *Service) CollectionPage(ctx context.Context, side Side, id int64, offset, limit int) ([]string, int64, error) {
	rows, total, err := s.Follows(ctx, side, id, FollowFilter{State: Accepted}, "f.id DESC", offset, limit)
	if err != nil {
		return nil, 0, err
	}
	out := make([]string, len(rows))
	for i, r := range rows {
		if side == FollowersOf {
			out[i] = r.Follower.IRI
		} else {
			out[i] = r.Target.IRI
		}
	}
	return out, total, nil
}

// FollowedServer finds the instance actor of a host among those that an actor
// follows.
func (s *Service) FollowedServer(ctx context.Context, followerID int64, host string) (*Actor, error) {
	host, err := iri.NormalHost(s.scheme, host)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return one(s.db.Read(ctx).Where(`host = ? AND type = ? AND id IN (SELECT target_id FROM follows WHERE follower_id = ?)`,
		host, Application, followerID).Order("id"))
}
