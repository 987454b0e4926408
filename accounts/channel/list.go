package channel

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

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
	where, args := s.listed(ctx)
	from := " FROM accounts JOIN actors ON actors.id = accounts.actor_id WHERE " + where
	ordered := "SELECT accounts.id" + from + " ORDER BY " + page.Order("accounts.created_at", "accounts.id")
	var ids []int64
	var total int64
	var err error
	if page.Start < farStart && s.keptAccounts.Many() {
		if total, err = s.countAccounts(ctx, "SELECT COUNT(*)"+from, args); err == nil {
			ids, err = db.IDs(s.o.DB.Read(ctx), ordered+" LIMIT ? OFFSET ?", append(slices.Clip(args), page.Count, page.Start)...)
		}
	} else {
		ids, total, err = s.keptAccounts.Page(ctx, page.Start, page.Count, ordered, args...)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("order accounts: %w", err)
	}
	rows, err := s.readAccounts(ctx, "accounts.id", ids, where, args...)
	if err == nil {
		err = s.addPictures(ctx, rows, nil)
	}
	if err == nil {
		err = s.countAll(ctx, rows, nil)
	}
	return inOrder(rows, ids, func(a *Account) int64 { return a.ID }), total, err
}

func (s *Service) countAccounts(ctx context.Context, text string, args []any) (int64, error) {
	return s.keptAccounts.Total(ctx, fmt.Sprintf("%s\x00%#v", text, args), func(ctx context.Context) (n int64, err error) {
		err = s.o.DB.Read(ctx).Raw(text, args...).Scan(&n).Error
		return n, err
	})
}

// inOrder puts rows in the order of their ids.
func inOrder[T any](rows []T, ids []int64, id func(T) int64) []T {
	at := make(map[int64]int, len(ids))
	for i, id := range ids {
		at[id] = i
	}
	slices.SortFunc(rows, func(a, b T) int { return at[id(a)] - at[id(b)] })
	return rows
}

// LocalChannels lists the channels of this instance.
func (s *Service) LocalChannels(ctx context.Context, page rest.Page) ([]*Channel, int64, error) {
	return s.list(ctx, page, channelList{where: present + " AND channels.local = TRUE", shown: present})
}

// ChannelsOfAccount lists the channels of an account. A search keeps those
// whose name or display name contains it.
func (s *Service) ChannelsOfAccount(ctx context.Context, accountID int64, search string, page rest.Page) ([]*Channel, int64, error) {
	l := channelList{where: present + " AND channels.account_id = ?", args: []any{accountID}, own: true, shown: present}
	if search = input.Line(search); search != "" {
		like := "%" + db.Like(search) + "%" // SEC-51
		l.and(`(LOWER(actors.username) LIKE LOWER(?) ESCAPE '\' OR LOWER(actors.name) LIKE LOWER(?) ESCAPE '\')`, like, like)
	}
	return s.list(ctx, page, l)
}

// Sorts are the fields that lists of channels sort by.
func Sorts() []string { return []string{"id", "name", "updatedAt", "createdAt"} }

// channelList says which channels are listed, by conditions on channels and
// actors.
type channelList struct {
	where string
	args  []any
	first string // by what they are sorted before the sort of the page
	by    []any
	own   bool // of one account

	// What is asked of the rows of a page once more: of many channels, the order
	// may be older than who hides what.
	shown     string
	shownArgs []any
}

func (l *channelList) and(condition string, args ...any) {
	l.where += " AND " + condition
	l.args = append(l.args, args...)
}

func (s *Service) list(ctx context.Context, page rest.Page, l channelList) ([]*Channel, int64, error) {
	column := map[string]string{
		"id": "channels.id", "name": "actors.username", "match": "channels.id", "displayName": "actors.name",
		"updatedAt": "channels.updated_at", "createdAt": "channels.created_at",
	}[page.Sort]
	if column == "" {
		return nil, 0, fmt.Errorf("sort %q: not known", page.Sort)
	}
	text := "SELECT channels.id FROM channels JOIN actors ON actors.id = channels.actor_id WHERE " + l.where +
		" ORDER BY " + l.first + page.Order(column, "channels.id")
	args := append(slices.Clip(l.args), l.by...)
	var ids []int64
	var total int64
	var err error
	if l.own { // who changes them looks at once
		ids, err = db.IDs(s.o.DB.Read(ctx), text, args...)
		ids, total = kept.Cut(ids, page.Start, page.Count), int64(len(ids))
	} else {
		ids, total, err = s.keptChannels.Page(ctx, page.Start, page.Count, text, args...)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("list channels: %w", err)
	}
	rows, err := s.countedByIDs(ctx, ids, l.shown, l.shownArgs...)
	return rows, total, err
}

// ChannelsByIDs finds many channels at once, with accounts and actors but
// without counts: three queries whatever the number, for lists of videos. Ids
// without a row, and channels that are gone, are left out.
func (s *Service) ChannelsByIDs(ctx context.Context, ids []int64) (map[int64]*Channel, error) {
	rows, err := s.readChannels(ctx, "channels.id", ids, present)
	if err == nil {
		err = s.addOwners(ctx, rows)
	}
	out := make(map[int64]*Channel, len(rows))
	for _, c := range rows {
		if c.Account != nil {
			out[c.ID] = c
		}
	}
	return out, err
}

// CountedByIDs finds channels in the order of their ids, with accounts, actors and
// counts. Ids without a row, and channels that are gone, are left out.
func (s *Service) CountedByIDs(ctx context.Context, ids []int64) ([]*Channel, error) {
	return s.countedByIDs(ctx, ids, present)
}

func (s *Service) countedByIDs(ctx context.Context, ids []int64, where string, args ...any) ([]*Channel, error) {
	rows, err := s.readChannels(ctx, "channels.id", ids, where, args...)
	if err == nil {
		err = s.addOwners(ctx, rows)
	}
	if err == nil {
		err = s.countAll(ctx, nil, rows)
	}
	rows = slices.DeleteFunc(rows, func(c *Channel) bool { return c.Account == nil })
	return inOrder(rows, ids, func(c *Channel) int64 { return c.ID }), err
}

// Owned is what a user has.
type Owned struct {
	Account  *Account
	Channels []*Channel // oldest first
}

// OfUsers finds account and channels of each of the users, with counts: four
// queries whatever the number.
func (s *Service) OfUsers(ctx context.Context, userIDs ...int64) (map[int64]Owned, error) {
	out := make(map[int64]Owned, len(userIDs))
	accounts, err := s.readAccounts(ctx, "accounts.user_id", userIDs, "TRUE")
	if err != nil {
		return nil, err
	}
	owner := make(map[int64]int64, len(accounts)) // account to user
	ids := make([]int64, 0, len(accounts))
	for _, a := range accounts {
		out[*a.UserID] = Owned{Account: a}
		owner[a.ID] = *a.UserID
		ids = append(ids, a.ID)
	}
	channels, err := s.readChannels(ctx, "channels.account_id", ids, present)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(channels, func(a, b *Channel) int { return cmp.Compare(a.ID, b.ID) })
	for _, c := range channels {
		o := out[owner[c.AccountID]]
		c.Account = o.Account
		o.Channels = append(o.Channels, c)
		out[owner[c.AccountID]] = o
	}
	if err := s.addPictures(ctx, accounts, channels); err != nil {
		return nil, err
	}
	return out, s.countAll(ctx, accounts, channels)
}

// AccountsByActors finds many accounts at once, by the ids of their actors, with
// actors and counts: three queries whatever the number, for lists of what people
// wrote. Ids without a row, and actors that are gone, are left out.
func (s *Service) AccountsByActors(ctx context.Context, actorIDs []int64) (map[int64]*Account, error) {
	rows, err := s.readAccounts(ctx, "accounts.actor_id", actorIDs, present)
	if err == nil {
		err = s.addPictures(ctx, rows, nil)
	}
	if err == nil {
		err = s.countAll(ctx, rows, nil)
	}
	out := make(map[int64]*Account, len(rows))
	for _, a := range rows {
		out[a.ActorID] = a
	}
	return out, err
}

// Summaries finds the short forms of accounts and channels, by their ids: two
// queries whatever the number. Those that are gone are left out.
func (s *Service) Summaries(ctx context.Context, accountIDs, channelIDs []int64) (accounts, channels map[int64]Summary, err error) {
	type found struct {
		id    int64
		actor actor.Actor
		in    map[int64]Summary
	}
	accounts, channels = make(map[int64]Summary, len(accountIDs)), make(map[int64]Summary, len(channelIDs))
	if len(accountIDs)+len(channelIDs) == 0 {
		return accounts, channels, nil
	}
	const columns = "actors.id, actors.username, actors.name, actors.iri, actors.host"
	ofAccounts, args := s.o.DB.Dialect().In("accounts.id", accountIDs)
	ofChannels, more := s.o.DB.Dialect().In("channels.id", channelIDs)
	var all []found
	err = db.Each(s.o.DB.Read(ctx), func(r *sql.Rows) error {
		f := found{in: accounts}
		var isChannel bool
		err := r.Scan(&isChannel, &f.id, &f.actor.ID, &f.actor.Username, &f.actor.Name, &f.actor.IRI, &f.actor.Host)
		if isChannel {
			f.in = channels
		}
		all = append(all, f)
		return err
	}, "SELECT FALSE, accounts.id, "+columns+" FROM accounts JOIN actors ON actors.id = accounts.actor_id WHERE "+ofAccounts+" AND "+present+
		" UNION ALL SELECT TRUE, channels.id, "+columns+" FROM channels JOIN actors ON actors.id = channels.actor_id WHERE "+ofChannels+" AND "+present,
		append(args, more...)...)
	if err != nil {
		return nil, nil, fmt.Errorf("read accounts and channels: %w", err)
	}
	ids := make([]int64, len(all))
	for i := range all {
		ids[i] = all[i].actor.ID
	}
	pictures, err := s.o.Pictures.Of(ctx, ids...)
	if err != nil {
		return nil, nil, err
	}
	for i := range all {
		f := &all[i]
		f.in[f.id] = s.summary(f.id, &f.actor, pictures[f.actor.ID])
	}
	return accounts, channels, nil
}
