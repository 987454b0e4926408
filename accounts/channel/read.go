package channel

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config/db"
)

// actorColumns are what lists show of an actor. Addresses and keys stay where
// they are.
const actorColumns = `actors.id, actors.iri, actors.type, actors.username, actors.host, actors.name, actors.summary, actors.support,
 actors.published_at, actors.gone_at, actors.created_at, actors.updated_at, actors.followers_count, actors.following_count`

// present is the condition that an actor is there.
const present = "actors.gone_at IS NULL"

// fields are where the columns of an actor go.
func fields(a *actor.Actor) []any {
	return []any{
		&a.ID, &a.IRI, &a.Type, &a.Username, &a.Host, &a.Name, &a.Summary, &a.Support,
		&a.PublishedAt, &a.GoneAt, &a.CreatedAt, &a.UpdatedAt, &a.FollowersCount, &a.FollowingCount,
	}
}

// readAccounts reads accounts by a column of ids, in any order, with what lists
// show of their actors; [Service.addPictures] and [Service.countAll] add the rest.
func (s *Service) readAccounts(ctx context.Context, column string, ids []int64, where string, args ...any) ([]*Account, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	in, list := s.o.DB.Dialect().In(column, ids)
	out := make([]*Account, 0, len(ids))
	err := db.Each(s.o.DB.Read(ctx), func(r *sql.Rows) error {
		a := &Account{Actor: &actor.Actor{}}
		out = append(out, a)
		return r.Scan(append([]any{&a.ID, &a.ActorID, &a.UserID, &a.CreatedAt, &a.UpdatedAt}, fields(a.Actor)...)...)
	}, "SELECT accounts.id, accounts.actor_id, accounts.user_id, accounts.created_at, accounts.updated_at, "+actorColumns+
		" FROM accounts JOIN actors ON actors.id = accounts.actor_id WHERE "+in+" AND "+where, append(list, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return out, nil
}

// readChannels is [Service.readAccounts] for channels; it leaves Account to
// [Service.addOwners].
func (s *Service) readChannels(ctx context.Context, column string, ids []int64, where string, args ...any) ([]*Channel, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	in, list := s.o.DB.Dialect().In(column, ids)
	out := make([]*Channel, 0, len(ids))
	err := db.Each(s.o.DB.Read(ctx), func(r *sql.Rows) error {
		ch := &Channel{Actor: &actor.Actor{}}
		out = append(out, ch)
		return r.Scan(append([]any{&ch.ID, &ch.ActorID, &ch.AccountID, &ch.Local, &ch.Support, &ch.CreatedAt, &ch.UpdatedAt}, fields(ch.Actor)...)...)
	}, "SELECT channels.id, channels.actor_id, channels.account_id, channels.local, channels.support, channels.created_at, channels.updated_at, "+
		actorColumns+" FROM channels JOIN actors ON actors.id = channels.actor_id WHERE "+in+" AND "+where, append(list, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read channels: %w", err)
	}
	return out, nil
}

// addOwners reads whose channels are, and the pictures of all.
func (s *Service) addOwners(ctx context.Context, channels []*Channel) error {
	ids := make([]int64, len(channels))
	for i, ch := range channels {
		ids[i] = ch.AccountID
	}
	accounts, err := s.readAccounts(ctx, "accounts.id", ids, "TRUE")
	if err != nil {
		return err
	}
	byID := make(map[int64]*Account, len(accounts))
	for _, a := range accounts {
		byID[a.ID] = a
	}
	for _, ch := range channels {
		ch.Account = byID[ch.AccountID]
	}
	return s.addPictures(ctx, accounts, channels)
}

// addPictures reads the pictures of accounts and channels.
func (s *Service) addPictures(ctx context.Context, accounts []*Account, channels []*Channel) error {
	ids := make([]int64, 0, len(accounts)+len(channels))
	for _, a := range accounts {
		ids = append(ids, a.ActorID)
	}
	for _, c := range channels {
		ids = append(ids, c.ActorID)
	}
	pictures, err := s.o.Pictures.Of(ctx, ids...)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		a.Pictures = pictures[a.ActorID]
	}
	for _, c := range channels {
		c.Pictures = pictures[c.ActorID]
	}
	return nil
}

// countAll is [Service.count] for those who own and are owned.
func (s *Service) countAll(ctx context.Context, accounts []*Account, channels []*Channel) error {
	actors := make([]*actor.Actor, 0, len(accounts)+2*len(channels))
	for _, a := range accounts {
		actors = append(actors, a.Actor)
	}
	for _, c := range channels {
		actors = append(actors, c.Actor)
		if c.Account != nil {
			actors = append(actors, c.Account.Actor)
		}
	}
	return s.count(ctx, actors...)
}

// count sets the follow counts of local actors; remote ones carry what their
// server said.
func (s *Service) count(ctx context.Context, actors ...*actor.Actor) error {
	ids := make([]int64, 0, len(actors))
	for _, a := range actors {
		if a != nil && a.Local() {
			ids = append(ids, a.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	followers, following := make(map[int64]int64, len(ids)), make(map[int64]int64, len(ids))
	of, args := s.o.DB.Dialect().In("target_id", ids)
	by, more := s.o.DB.Dialect().In("follower_id", ids)
	err := db.Each(s.o.DB.Read(ctx), func(r *sql.Rows) error {
		var followed bool
		var id, n int64
		err := r.Scan(&followed, &id, &n)
		if followed {
			followers[id] = n
		} else {
			following[id] = n
		}
		return err
	}, "SELECT TRUE, target_id, COUNT(*) FROM follows WHERE "+of+" AND state = 'accepted' GROUP BY target_id UNION ALL "+
		"SELECT FALSE, follower_id, COUNT(*) FROM follows WHERE "+by+" AND state = 'accepted' GROUP BY follower_id", append(args, more...)...)
	if err != nil {
		return fmt.Errorf("count follows: %w", err)
	}
	for _, a := range actors {
		if a != nil && a.Local() {
			a.FollowersCount, a.FollowingCount = followers[a.ID], following[a.ID]
		}
	}
	return nil
}
