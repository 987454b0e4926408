package channel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/accounts/picture"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/kept"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Errors of the operations. Lookups return [db.ErrNotFound].
var (
	ErrNameTaken   = errors.New("another account or channel has or had this name")
	ErrTooMany     = errors.New("no more channels are allowed for this account")
	ErrLastChannel = errors.New("the last channel of an account cannot be removed")
	ErrNotChannel  = errors.New("not a channel")
	ErrForeign     = errors.New("a channel and its account are on different hosts")
)

// Account is a row of accounts. Lookups of [Service] fill Actor, and, where
// they say so, its counts.
type Account struct {
	ID        int64
	ActorID   int64
	UserID    *int64 // nil: remote, or of a deleted user
	CreatedAt time.Time
	UpdatedAt time.Time

	Actor    *actor.Actor `gorm:"-"`
	Pictures picture.Set  `gorm:"-"`
}

// TableName is for GORM.
func (Account) TableName() string { return "accounts" }

// OwnedBy tells whether the account is that of the user.
func (a *Account) OwnedBy(userID int64) bool { return a.UserID != nil && *a.UserID == userID }

// Channel is a row of channels. Lookups of [Service] fill Actor and Account
// with its actor.
type Channel struct {
	ID        int64
	ActorID   int64
	AccountID int64
	Local     bool
	Support   string
	CreatedAt time.Time
	UpdatedAt time.Time

	Actor    *actor.Actor `gorm:"-"`
	Pictures picture.Set  `gorm:"-"`
	Account  *Account     `gorm:"-"`
}

// TableName is for GORM.
func (Channel) TableName() string { return "channels" }

// OwnedBy tells whether the channel belongs to the user.
func (c *Channel) OwnedBy(userID int64) bool {
	return c.Account != nil && c.Account.OwnedBy(userID)
}

// Options are what a Service needs. Changed and Gone may be nil: then nothing
// is federated.
type Options struct {
	DB         *db.DB
	Actors     *actor.Service
	Pictures   *picture.Service // nil: nobody has any
	MaxPerUser func() int       // nil: no limit
	Logger     *slog.Logger
	// MayAsk tells whether what somebody looks for may be asked for at other
	// servers (search.remote_uri); nil: nobody's.
	MayAsk func(p *rest.Principal) bool
	// Rules say whose content is shown to whom (SEC-19); nil: all to everybody.
	Rules *hostrule.Rules

	// Changed tells other servers that the document of a local actor changed;
	// fields are what [Service.ActorFields] adds to it.
	Changed func(tx *db.Tx, a *actor.Actor, fields map[string]any) error
	// Gone tells other servers that a local actor was deleted, marks it so, and
	// schedules the removal of what hangs on it.
	Gone func(tx *db.Tx, a *actor.Actor) error
}

// Service is safe for concurrent use. Its fields are set before the server
// starts.
type Service struct {
	// Stats counts the views of channels; nil: nobody counts them.
	Stats func(ctx context.Context, channelIDs []int64) (map[int64]Stats, error)
	// SupportChanged gives all videos of a channel its support text; nil: there
	// are none.
	SupportChanged func(tx *db.Tx, channelID int64) error
	// Closing hears of a channel of ours that is about to be deleted, while its
	// followers are known, in the transaction that does it; nil: nobody does.
	Closing func(tx *db.Tx, channelID int64) error
	// Hidden is a query for the ids of the actors, Persons all, that p (nil: a
	// stranger) does not find, and whether there are any; nil: nobody is hidden.
	Hidden func(ctx context.Context, p *rest.Principal) (query string, args []any, some bool)

	o            Options
	keptAccounts *kept.Kept
	keptChannels *kept.Kept
}

// New returns a Service.
func New(o Options) *Service {
	if o.Changed == nil {
		o.Changed = func(*db.Tx, *actor.Actor, map[string]any) error { return nil }
	}
	if o.Gone == nil {
		o.Gone = func(tx *db.Tx, a *actor.Actor) error { return o.Actors.MarkGone(tx, a.ID) }
	}
	if o.MaxPerUser == nil {
		o.MaxPerUser = func() int { return math.MaxInt }
	}
	return &Service{o: o, keptAccounts: kept.New(o.DB, "accounts"), keptChannels: kept.New(o.DB, "channels")}
}

// AccountByID finds an account, with its actor and counts.
func (s *Service) AccountByID(ctx context.Context, id int64) (*Account, error) {
	return s.account(ctx, "accounts.id = ?", id)
}

// AccountOfUser finds the account of a local user, with its actor and counts.
func (s *Service) AccountOfUser(ctx context.Context, userID int64) (*Account, error) {
	return s.account(ctx, "accounts.user_id = ?", userID)
}

// byHandle is written so that there is an index.
const byHandle = "lower(actors.username) = lower(?) AND actors.username = ? AND actors.host = ?"

// AccountByHandle finds an account by "name" or "name@host"; our own host may
// be named. It looks in the database only.
func (s *Service) AccountByHandle(ctx context.Context, handle string) (*Account, error) {
	name, host, ok := s.splitHandle(handle)
	if !ok {
		return nil, fmt.Errorf("account %q: %w", handle, db.ErrNotFound)
	}
	return s.account(ctx, byHandle, name, name, host)
}

// ChannelByID finds a channel, with its account, actors and counts.
func (s *Service) ChannelByID(ctx context.Context, id int64) (*Channel, error) {
	return s.channel(ctx, "channels.id = ?", id)
}

// ChannelByHandle finds a channel as [Service.AccountByHandle] finds an account.
func (s *Service) ChannelByHandle(ctx context.Context, handle string) (*Channel, error) {
	name, host, ok := s.splitHandle(handle)
	if !ok {
		return nil, fmt.Errorf("channel %q: %w", handle, db.ErrNotFound)
	}
	return s.channel(ctx, byHandle, name, name, host)
}

// ChannelByActor finds the channel of a Group actor.
func (s *Service) ChannelByActor(ctx context.Context, actorID int64) (*Channel, error) {
	return s.channel(ctx, "channels.actor_id = ?", actorID)
}

// AccountByActor finds the account of a Person actor.
func (s *Service) AccountByActor(ctx context.Context, actorID int64) (*Account, error) {
	return s.account(ctx, "accounts.actor_id = ?", actorID)
}

// splitHandle reads "name" and "name@host"; host is "" for this instance.
func (s *Service) splitHandle(handle string) (name, host string, ok bool) {
	name, host, _ = strings.Cut(strings.TrimPrefix(handle, "@"), "@")
	host = strings.ToLower(host)
	if s.o.Actors.ServesHost(host) {
		host = ""
	}
	return name, host, name != "" && len(name) <= 255 && len(host) <= 255 && input.Plain(handle)
}

func (s *Service) account(ctx context.Context, where string, args ...any) (*Account, error) {
	var a Account
	err := s.accounts(ctx).Select("accounts.*").Where(where, args...).Order("accounts.id").Take(&a).Error
	if err != nil {
		return nil, fmt.Errorf("account %v: %w", args, err)
	}
	if err := s.fillAccounts(ctx, []*Account{&a}); err != nil {
		return nil, err
	}
	return &a, s.count(ctx, a.Actor)
}

func (s *Service) channel(ctx context.Context, where string, args ...any) (*Channel, error) {
	var c Channel
	err := s.channels(ctx).Select("channels.*").Where(where, args...).Order("channels.id").Take(&c).Error
	if err != nil {
		return nil, fmt.Errorf("channel %v: %w", args, err)
	}
	if err := s.fill(ctx, []*Channel{&c}); err != nil {
		return nil, err
	}
	return &c, s.count(ctx, c.Actor, c.Account.Actor)
}

// accounts is every account whose actor is there, joined with it.
func (s *Service) accounts(ctx context.Context) *gorm.DB {
	return s.o.DB.Read(ctx).Table("accounts").
		Joins("JOIN actors ON actors.id = accounts.actor_id").Where("actors.gone_at IS NULL")
}

// channels is every channel whose actor is there, joined with it.
func (s *Service) channels(ctx context.Context) *gorm.DB {
	return s.o.DB.Read(ctx).Table("channels").
		Joins("JOIN actors ON actors.id = channels.actor_id").Where("actors.gone_at IS NULL")
}

// fill loads accounts and actors of channels.
func (s *Service) fill(ctx context.Context, channels []*Channel) error {
	if len(channels) == 0 {
		return nil
	}
	accountIDs := make([]int64, 0, len(channels))
	for _, c := range channels {
		accountIDs = append(accountIDs, c.AccountID)
	}
	var accounts []*Account
	if err := s.o.DB.Read(ctx).Where("id IN ?", accountIDs).Find(&accounts).Error; err != nil {
		return fmt.Errorf("accounts of channels: %w", err)
	}
	byID := make(map[int64]*Account, len(accounts))
	actorIDs := make([]int64, 0, 2*len(channels))
	for _, a := range accounts {
		byID[a.ID] = a
		actorIDs = append(actorIDs, a.ActorID)
	}
	for _, c := range channels {
		actorIDs = append(actorIDs, c.ActorID)
	}
	actors, err := s.o.Actors.ByIDs(ctx, actorIDs)
	if err != nil {
		return err
	}
	pictures, err := s.o.Pictures.Of(ctx, actorIDs...)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		a.Actor, a.Pictures = actors[a.ActorID], pictures[a.ActorID]
	}
	for _, c := range channels {
		c.Actor, c.Pictures, c.Account = actors[c.ActorID], pictures[c.ActorID], byID[c.AccountID]
	}
	return nil
}

func (s *Service) fillAccounts(ctx context.Context, accounts []*Account) error {
	ids := make([]int64, len(accounts))
	for i, a := range accounts {
		ids[i] = a.ActorID
	}
	actors, err := s.o.Actors.ByIDs(ctx, ids)
	if err != nil {
		return err
	}
	pictures, err := s.o.Pictures.Of(ctx, ids...)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		a.Actor, a.Pictures = actors[a.ActorID], pictures[a.ActorID]
	}
	return nil
}
