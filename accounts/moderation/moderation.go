package moderation

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Errors of the operations; what is not there is [db.ErrNotFound].
var (
	ErrSelf = errors.New("nobody mutes themselves")
	ErrHost = errors.New("not a host name")
)

// Instance is the id that stands for everybody's mutes in the place of an
// account's.
const Instance int64 = 0

// Account is a row of muted_accounts: an account that another one, or the
// instance, has muted.
type Account struct {
	ID        int64
	AccountID *int64 // nil: the instance
	ActorID   int64  // the Person
	CreatedAt time.Time
}

// TableName implements gorm's Tabler.
func (Account) TableName() string { return "muted_accounts" }

// Host is a row of muted_hosts: a server that an account has muted.
type Host struct {
	ID        int64
	AccountID int64
	Host      string
	CreatedAt time.Time
}

// TableName implements gorm's Tabler.
func (Host) TableName() string { return "muted_hosts" }

// Options are what a Service needs.
type Options struct {
	DB       *db.DB
	Actors   *actor.Service
	Channels *channel.Service
	Rules    *hostrule.Rules // nil: no server is blocked
}

// Service keeps mutes. It is safe for concurrent use; its function fields are
// set before the server starts. A nil one hides nothing.
type Service struct {
	// Muted hears, in the transaction, that an account (Instance: everybody) has
	// muted an actor, or, when actorID is 0, a host. nil hears nothing.
	Muted func(tx *db.Tx, accountID, actorID int64, host string) error

	o     Options
	known atomic.Pointer[known]
}

// known is whether the instance mutes anybody, as of some time.
type known struct {
	any bool
	at  time.Time
}

// lag is how long another process may take to see the first mute of the
// instance, or that the last one is gone.
const lag = 2 * time.Second

// New returns a Service.
func New(o Options) *Service { return &Service{o: o} }

// owner is an account id as rows have it.
func owner(accountID int64) *int64 {
	if accountID == Instance {
		return nil
	}
	return &accountID
}

// MuteAccount mutes an account for accountID; once more changes nothing.
func (s *Service) MuteAccount(ctx context.Context, accountID int64, target *channel.Account) error {
	row := Account{AccountID: owner(accountID), ActorID: target.ActorID, CreatedAt: db.Now()}
	return s.change(ctx, func(tx *db.Tx) error {
		row.ID = 0
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
			return fmt.Errorf("mute account: %w", err)
		}
		return s.told(tx, accountID, target.ActorID, "")
	})
}

// UnmuteAccount takes that back.
func (s *Service) UnmuteAccount(ctx context.Context, accountID int64, target *channel.Account) error {
	return s.change(ctx, func(tx *db.Tx) error {
		return gone(by(tx.DB, accountID).Where("actor_id = ?", target.ActorID).Delete(&Account{}))
	})
}

// MuteHost mutes all accounts of a host, in any spelling, for an account.
func (s *Service) MuteHost(ctx context.Context, accountID int64, host string) error {
	name, err := normal(host)
	if err != nil {
		return err
	}
	if s.o.Actors.ServesHost(name) {
		return ErrSelf
	}
	row := Host{AccountID: accountID, Host: name, CreatedAt: db.Now()}
	return s.change(ctx, func(tx *db.Tx) error {
		row.ID = 0
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
			return fmt.Errorf("mute host: %w", err)
		}
		return s.told(tx, accountID, 0, name)
	})
}

// UnmuteHost takes that back.
func (s *Service) UnmuteHost(ctx context.Context, accountID int64, host string) error {
	name, err := normal(host)
	if err != nil {
		return err
	}
	return s.change(ctx, func(tx *db.Tx) error {
		return gone(tx.Where("account_id = ? AND host = ?", accountID, name).Delete(&Host{}))
	})
}

func (s *Service) change(ctx context.Context, do func(tx *db.Tx) error) error {
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		tx.AfterCommit(func() { s.known.Store(nil) })
		return do(tx)
	})
}

func (s *Service) told(tx *db.Tx, accountID, actorID int64, host string) error {
	if s.Muted == nil {
		return nil
	}
	return s.Muted(tx, accountID, actorID, host)
}

// by limits a query of muted_accounts to the mutes of an account.
func by(q *gorm.DB, accountID int64) *gorm.DB {
	if accountID == Instance {
		return q.Where("account_id IS NULL")
	}
	return q.Where("account_id = ?", accountID)
}

func gone(res *gorm.DB) error {
	if res.Error != nil {
		return fmt.Errorf("take a mute back: %w", res.Error)
	}
	if res.RowsAffected == 0 {
		return db.ErrNotFound
	}
	return nil
}

// normal is the spelling in which actors have their host.
func normal(host string) (string, error) {
	name, err := iri.NormalHost("https", strings.TrimSpace(host))
	if err != nil {
		return "", fmt.Errorf("%w: %q", ErrHost, host)
	}
	return name, nil
}

// Hidden is an SQL query for the ids of the actors, Persons all, that p (nil: a
// stranger) is not shown in lists. some is false while there are none.
func (s *Service) Hidden(ctx context.Context, p *rest.Principal) (query string, args []any, some bool) {
	if s == nil {
		return "", nil, false
	}
	var parts []string
	if s.instanceMutes(ctx) {
		parts = append(parts, "SELECT mi.actor_id FROM muted_accounts mi WHERE mi.account_id IS NULL")
	}
	if p != nil {
		accounts, hosts := s.userMutes(ctx, p.AccountID)
		if accounts {
			parts, args = append(parts, "SELECT ma.actor_id FROM muted_accounts ma WHERE ma.account_id = ?"), append(args, p.AccountID)
		}
		if hosts {
			parts = append(parts, "SELECT mp.id FROM muted_hosts mh JOIN actors mp ON mp.host = mh.host WHERE mh.account_id = ?")
			args = append(args, p.AccountID)
		}
	}
	return strings.Join(parts, " UNION ALL "), args, len(parts) > 0
}

// userMutes tells whether a user mutes anybody. Most do not, and their lists are
// then those of everybody. While the database does not answer, the user does.
func (s *Service) userMutes(ctx context.Context, accountID int64) (accounts, hosts bool) {
	var row struct{ Accounts, Hosts bool }
	err := s.o.DB.Read(ctx).Raw(`SELECT EXISTS (SELECT 1 FROM muted_accounts WHERE account_id = ?) AS accounts,
 EXISTS (SELECT 1 FROM muted_hosts WHERE account_id = ?) AS hosts`, accountID, accountID).Scan(&row).Error
	return row.Accounts || err != nil, row.Hosts || err != nil
}

// instanceMutes tells whether the instance mutes anybody. It is asked for every
// list that a stranger reads. While the database does not answer, it does.
func (s *Service) instanceMutes(ctx context.Context) bool {
	if k := s.known.Load(); k != nil && time.Since(k.at) < lag {
		return k.any
	}
	at := time.Now()
	var ids []int64
	err := s.o.DB.Read(ctx).Model(&Account{}).Where("account_id IS NULL").Limit(1).Pluck("id", &ids).Error
	if err != nil {
		return true
	}
	k := &known{len(ids) > 0, at}
	s.known.Store(k)
	return k.any
}

// Mutes tells whether an account, or the instance, has muted an actor or its
// server. The actor is the Person, also of what a channel does.
func (s *Service) Mutes(ctx context.Context, accountID, actorID int64) (bool, error) {
	if s == nil {
		return false, nil
	}
	return Muted(s.o.DB.Read(ctx), accountID, actorID)
}

// Muted is [Service.Mutes] on a handle, for use in transactions.
func Muted(g *gorm.DB, accountID, actorID int64) (bool, error) {
	unmuted, args := Unmuted(strconv.FormatInt(accountID, 10), actorID)
	var muted int
	if err := g.Raw("SELECT CASE WHEN "+unmuted+" THEN 0 ELSE 1 END", args...).Scan(&muted).Error; err != nil {
		return false, fmt.Errorf("look up mute: %w", err)
	}
	return muted == 1, nil
}

// Unmuted is the SQL condition under which an account wants to hear of an actor,
// the Person that did something: neither it nor the instance has muted that one
// or its server. account is a column with the account's id (trusted SQL).
func Unmuted(account string, actorID int64) (condition string, args []any) {
	return `NOT EXISTS (SELECT 1 FROM muted_accounts ua WHERE ua.actor_id = ? AND (ua.account_id IS NULL OR ua.account_id = ` + account + `))
 AND NOT EXISTS (SELECT 1 FROM muted_hosts uh JOIN actors up ON up.host = uh.host WHERE up.id = ? AND uh.account_id = ` + account + `)`,
		[]any{actorID, actorID}
}

// Status tells what is muted of an account: itself, and its server.
type Status struct{ Account, Host bool }

// Of tells of accounts, by their ids, what accountID or the instance has muted of
// them. A server that the instance has blocked counts as muted.
func (s *Service) Of(ctx context.Context, accountID int64, ids []int64) (map[int64]Status, error) {
	out := make(map[int64]Status, len(ids))
	if s == nil || len(ids) == 0 {
		return out, nil
	}
	var rows []struct {
		ID             int64
		At             string
		Account, Muted bool
	}
	err := s.o.DB.Read(ctx).Raw(`SELECT ac.id, a.host AS at,
 EXISTS (SELECT 1 FROM muted_accounts m WHERE m.actor_id = a.id AND (m.account_id IS NULL OR m.account_id = ?)) AS account,
 EXISTS (SELECT 1 FROM muted_hosts h WHERE h.host = a.host AND h.account_id = ?) AS muted
 FROM accounts ac JOIN actors a ON a.id = ac.actor_id WHERE ac.id IN ?`, accountID, accountID, ids).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("look up mutes of accounts: %w", err)
	}
	for _, r := range rows {
		blocked := r.At != "" && s.o.Rules != nil && s.o.Rules.Blocked(ctx, r.At)
		out[r.ID] = Status{r.Account, r.Muted || blocked}
	}
	return out, nil
}

// Page is which mutes a list holds.
type Page struct {
	rest.Page
	Search string // in the name and the address, or the host
}

// Accounts lists the accounts that accountID has muted, and how many there are.
func (s *Service) Accounts(ctx context.Context, accountID int64, p Page) (rows []Account, total int64, err error) {
	q := by(s.o.DB.Read(ctx).Model(&Account{}), accountID).
		Joins("JOIN actors a ON a.id = muted_accounts.actor_id AND a.gone_at IS NULL")
	if p.Search != "" {
		like := "%" + db.Like(strings.ToLower(p.Search)) + "%"
		q = q.Where(`(lower(a.username) LIKE ? ESCAPE '\' OR lower(a.name) LIKE ? ESCAPE '\' OR lower(a.iri) LIKE ? ESCAPE '\')`, like, like, like)
	}
	q = q.Session(&gorm.Session{})
	if err := q.Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count muted accounts: %w", err)
	}
	err = q.Select("muted_accounts.*").Order(p.Order("muted_accounts.created_at", "muted_accounts.id")).
		Offset(p.Start).Limit(p.Count).Find(&rows).Error
	if err != nil {
		return nil, 0, fmt.Errorf("list muted accounts: %w", err)
	}
	return rows, total, nil
}

// Hosts lists the servers that an account has muted, and how many there are.
func (s *Service) Hosts(ctx context.Context, accountID int64, p Page) (rows []Host, total int64, err error) {
	q := s.o.DB.Read(ctx).Model(&Host{}).Where("account_id = ?", accountID)
	if p.Search != "" {
		q = q.Where(`host LIKE ? ESCAPE '\'`, "%"+db.Like(strings.ToLower(p.Search))+"%")
	}
	q = q.Session(&gorm.Session{})
	if err := q.Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count muted hosts: %w", err)
	}
	if err := q.Order(p.Order("created_at", "id")).Offset(p.Start).Limit(p.Count).Find(&rows).Error; err != nil {
		return nil, 0, fmt.Errorf("list muted hosts: %w", err)
	}
	return rows, total, nil
}
