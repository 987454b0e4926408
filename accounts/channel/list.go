package channel

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/kept"
	"github.com/kinemesh/kinemesh/web/rest"
)

// farStart is from where on a page is far.
const farStart = 1_000

// Accounts lists every known account, local and remote. Page.Sort is
// "createdAt". Where many are, their number and far pages may be some seconds
// old.
func (s *Service) Accounts(ctx context.Context, page rest.Page) ([]*Account, int64, error) {
	key := "" // what makes a difference by who asks
	if s.o.Rules.Any(ctx) {
		key = fmt.Sprint(Viewer(rest.Current(ctx)))
	}
	all := func(ctx context.Context) *gorm.DB { return s.listed(ctx, s.accounts(ctx)) }
	total, err := s.kept.Total(ctx, "total "+key, func(ctx context.Context) (n int64, err error) {
		err = all(ctx).Count(&n).Error
		return n, err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("count accounts: %w", err)
	}
	order := page.Order("accounts.created_at", "accounts.id")
	q := all(ctx).Offset(page.Start).Limit(page.Count)
	if page.Start >= farStart && s.kept.Many() {
		ordered, err := s.kept.Get(ctx, order+key, func(ctx context.Context) (v kept.Value, err error) {
			err = all(ctx).Order(order).Pluck("accounts.id", &v.IDs).Error
			return v, err
		})
		if err != nil {
			return nil, 0, fmt.Errorf("order accounts: %w", err)
		}
		first := min(page.Start, len(ordered.IDs))
		q = all(ctx).Where("accounts.id IN ?", ordered.IDs[first:min(first+page.Count, len(ordered.IDs))])
	}
	var rows []*Account
	if err := q.Select("accounts.*").Order(order).Find(&rows).Error; err != nil {
		return nil, 0, fmt.Errorf("list accounts: %w", err)
	}
	if err := s.fillAccounts(ctx, rows); err != nil {
		return nil, 0, err
	}
	actors := make([]*actor.Actor, len(rows))
	for i, a := range rows {
		actors[i] = a.Actor
	}
	return rows, total, s.count(ctx, actors...)
}

// LocalChannels lists the channels of this instance.
func (s *Service) LocalChannels(ctx context.Context, page rest.Page) ([]*Channel, int64, error) {
	return s.list(ctx, page, func(q *gorm.DB) *gorm.DB { return q.Where("channels.local = ?", true) })
}

// ChannelsOfAccount lists the channels of an account. A search keeps those
// whose name or display name contains it.
func (s *Service) ChannelsOfAccount(ctx context.Context, accountID int64, search string, page rest.Page) ([]*Channel, int64, error) {
	return s.list(ctx, page, func(q *gorm.DB) *gorm.DB {
		q = q.Where("channels.account_id = ?", accountID)
		if search = input.Line(search); search != "" {
			like := "%" + db.Like(search) + "%" // SEC-51
			q = q.Where(`(LOWER(actors.username) LIKE LOWER(?) ESCAPE '\' OR LOWER(actors.name) LIKE LOWER(?) ESCAPE '\')`, like, like)
		}
		return q
	})
}

// Sorts are the fields that lists of channels sort by.
func Sorts() []string { return []string{"id", "name", "updatedAt", "createdAt"} }

func (s *Service) list(ctx context.Context, page rest.Page, where func(*gorm.DB) *gorm.DB) ([]*Channel, int64, error) {
	var total int64
	if err := where(s.channels(ctx)).Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count channels: %w", err)
	}
	column := map[string]string{
		"id": "channels.id", "name": "actors.username", "match": "channels.id", "displayName": "actors.name",
		"updatedAt": "channels.updated_at", "createdAt": "channels.created_at",
	}[page.Sort]
	if column == "" {
		return nil, 0, fmt.Errorf("sort %q: not known", page.Sort)
	}
	var rows []*Channel
	err := where(s.channels(ctx)).Select("channels.*").Order(page.Order(column, "channels.id")).
		Offset(page.Start).Limit(page.Count).Find(&rows).Error
	if err != nil {
		return nil, 0, fmt.Errorf("list channels: %w", err)
	}
	if err := s.fill(ctx, rows); err != nil {
		return nil, 0, err
	}
	actors := make([]*actor.Actor, 0, 2*len(rows))
	for _, c := range rows {
		actors = append(actors, c.Actor, c.Account.Actor)
	}
	return rows, total, s.count(ctx, actors...)
}

// CountedByIDs finds channels in the order of their ids, with accounts, actors and
// counts. Ids without a row, and channels that are gone, are left out.
func (s *Service) CountedByIDs(ctx context.Context, ids []int64) ([]*Channel, error) {
	byID, err := s.ChannelsByIDs(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]*Channel, 0, len(ids))
	actors := make([]*actor.Actor, 0, 2*len(ids))
	for _, id := range ids {
		if c := byID[id]; c != nil {
			out = append(out, c)
			actors = append(actors, c.Actor, c.Account.Actor)
		}
	}
	return out, s.count(ctx, actors...)
}

// Owned is what a user has.
type Owned struct {
	Account  *Account
	Channels []*Channel // oldest first
}

// OfUsers finds account and channels of each of the users, with counts, in a
// fixed number of queries.
func (s *Service) OfUsers(ctx context.Context, userIDs ...int64) (map[int64]Owned, error) {
	out := make(map[int64]Owned, len(userIDs))
	if len(userIDs) == 0 {
		return out, nil
	}
	var accounts []*Account
	if err := s.o.DB.Read(ctx).Where("user_id IN ?", userIDs).Find(&accounts).Error; err != nil {
		return nil, fmt.Errorf("accounts of users: %w", err)
	}
	if err := s.fillAccounts(ctx, accounts); err != nil {
		return nil, err
	}
	actors := make([]*actor.Actor, 0, 3*len(accounts))
	owner := make(map[int64]int64, len(accounts)) // account to user
	ids := make([]int64, 0, len(accounts))
	for _, a := range accounts {
		out[*a.UserID] = Owned{Account: a}
		owner[a.ID] = *a.UserID
		ids = append(ids, a.ID)
		actors = append(actors, a.Actor)
	}
	var channels []*Channel
	err := s.channels(ctx).Select("channels.*").Where("channels.account_id IN ?", ids).Order("channels.id").Find(&channels).Error
	if err != nil {
		return nil, fmt.Errorf("channels of users: %w", err)
	}
	if err := s.fill(ctx, channels); err != nil {
		return nil, err
	}
	for _, c := range channels {
		o := out[owner[c.AccountID]]
		o.Channels = append(o.Channels, c)
		out[owner[c.AccountID]] = o
		actors = append(actors, c.Actor)
	}
	return out, s.count(ctx, actors...)
}
