package user

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// NewUser says what user to create.
type NewUser struct {
	Username, Email, Password string
	Role                      rest.Role
	DisplayName               string // the username when empty
	VideoQuota                *int64 // nil: as the settings say
	VideoQuotaDaily           *int64
	AdminFlags                int
	EmailVerified             *bool
	Registered                bool   // by a visitor: moderators are told
	Invited                   bool   // has no password yet: a mail says how to set one
	PasswordHash              string // instead of Password, see [Service.Prepare]
	// The first channel: "<username>_channel" when empty, and its name as the
	// settings say.
	ChannelName        string
	ChannelDisplayName string
	// Then, when set, runs in the transaction that makes the user.
	Then func(tx *db.Tx, u *User) error
}

// Prepare checks n as [Service.Create] does, fills in what was left out and
// replaces the password by its hash, for users that are created later.
func (s *Service) Prepare(ctx context.Context, n *NewUser) (err error) {
	if err := s.complete(ctx, n); err != nil || n.PasswordHash != "" {
		return err
	}
	n.PasswordHash, err = s.hasher.hash(ctx, n.Password)
	n.Password = ""
	return err
}

// Create makes a user with account and first channel. It returns a
// *rest.Problem for wrong inputs, [ErrTaken] and channel.ErrNameTaken.
func (s *Service) Create(ctx context.Context, n NewUser) (*User, error) {
	if n.Invited {
		var err error
		if n.Password, err = madePassword(); err != nil {
			return nil, err
		}
	}
	if err := s.Prepare(ctx, &n); err != nil {
		return nil, err
	}
	settings, err := s.defaults().encode()
	if err != nil {
		return nil, err
	}
	keys, err := s.newKeys(ctx)
	if err != nil {
		return nil, err
	}
	now := db.Now()
	u := User{
		Username: n.Username, Email: n.Email, PasswordHash: n.PasswordHash, Role: n.Role, EmailVerified: n.EmailVerified,
		AdminFlags: n.AdminFlags, VideoQuota: *n.VideoQuota, VideoQuotaDaily: *n.VideoQuotaDaily,
		Settings: settings, CreatedAt: now, UpdatedAt: now,
	}
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		u.ID = 0 // the transaction may run again
		if err := tx.Create(&u).Error; err != nil {
			if db.IsDuplicate(err) {
				return fmt.Errorf("%s: %w", n.Username, ErrTaken)
			}
			return fmt.Errorf("user %s: %w", n.Username, err)
		}
		a, err := s.o.Channels.CreateAccount(tx, channel.NewAccount{
			UserID: u.ID, Username: n.Username, DisplayName: n.DisplayName, Key: keys[0],
		})
		if errors.Is(err, channel.ErrNameTaken) {
			return fmt.Errorf("%s: %w", n.Username, ErrTaken)
		}
		if err != nil {
			return err
		}
		_, err = s.o.Channels.CreateChannel(tx, channel.NewChannel{
			Account: a, Name: n.ChannelName, DisplayName: n.ChannelDisplayName, Key: keys[1],
		})
		if err != nil {
			return err
		}
		return s.created(tx, &n, &u)
	})
	if err != nil {
		return nil, err
	}
	return &u, nil
}

// created tells the world of a new user.
func (s *Service) created(tx *db.Tx, n *NewUser, u *User) error {
	if n.Then != nil {
		if err := n.Then(tx, u); err != nil {
			return err
		}
	}
	if n.Invited {
		if err := s.sendInvitation(tx, u); err != nil {
			return err
		}
	}
	if u.unverified() {
		if err := s.sendVerification(tx, u, false); err != nil {
			return err
		}
	}
	if n.Registered {
		return s.Registered(tx, u)
	}
	return nil
}

// complete checks and cleans n, fills in what was left out, and refuses names
// that are taken before work is done for them.
func (s *Service) complete(ctx context.Context, n *NewUser) error {
	var check rest.Checker
	n.Username = input.Name(&check, "username", n.Username)
	n.Email = input.Email(&check, "email", n.Email)
	if n.PasswordHash == "" {
		s.checkPassword(&check, n.Password)
	}
	if n.Role < rest.RoleAdmin || n.Role > rest.RoleUser {
		check.Refuse("body", "role", "Should be 0, 1 or 2", n.Role)
	}
	cfg := s.o.Config.Current().User
	n.VideoQuota = quota(&check, "videoQuota", n.VideoQuota, int64(cfg.VideoQuota))
	n.VideoQuotaDaily = quota(&check, "videoQuotaDaily", n.VideoQuotaDaily, int64(cfg.VideoQuotaDaily))
	if n.DisplayName == "" {
		n.DisplayName = n.Username
	}
	n.DisplayName = input.DisplayName(&check, "displayName", n.DisplayName)
	if n.ChannelName != "" {
		input.Name(&check, "channelName", n.ChannelName)
		if n.ChannelName == n.Username {
			check.Refuse("body", "channelName", "Channel name cannot be the same as user username", n.ChannelName)
		}
	}
	if n.ChannelDisplayName == "" {
		n.ChannelDisplayName = strings.ReplaceAll(cfg.DefaultChannelName, "$1", n.Username)
	}
	n.ChannelDisplayName = input.DisplayName(&check, "channelDisplayName", n.ChannelDisplayName)
	if err := check.Err(); err != nil {
		return err
	}
	return s.freeNames(ctx, n)
}

func (s *Service) freeNames(ctx context.Context, n *NewUser) error {
	var taken int64
	err := s.o.DB.Read(ctx).Model(&User{}).Where("username = ? OR email = ?", n.Username, n.Email).Count(&taken).Error
	if err != nil {
		return fmt.Errorf("user %s: %w", n.Username, err)
	}
	free, err := s.o.Channels.Free(ctx, n.Username)
	if err != nil {
		return err
	}
	if taken > 0 || !free {
		return fmt.Errorf("%s: %w", n.Username, ErrTaken)
	}
	if n.ChannelName != "" {
		free, err := s.o.Channels.Free(ctx, n.ChannelName)
		if err != nil {
			return err
		}
		if !free {
			return fmt.Errorf("%s: %w", n.ChannelName, channel.ErrNameTaken)
		}
		return nil
	}
	n.ChannelName = n.Username + "_channel"
	free, err = s.o.Channels.Free(ctx, n.ChannelName)
	if err != nil {
		return err
	}
	if !free || !input.ValidName(n.ChannelName) { // PeerTube does the same
		n.ChannelName = uuid.NewString()
	}
	return nil
}

func quota(check *rest.Checker, name string, q *int64, def int64) *int64 {
	if q == nil {
		return &def
	}
	if *q < -1 {
		check.Refuse("body", name, "Should be a number of bytes, or -1 for no limit", *q)
	}
	return q
}

// newKeys makes the keys of a Person and a Group, side by side.
func (s *Service) newKeys(ctx context.Context) ([2]*actor.Key, error) {
	var keys [2]*actor.Key
	g, ctx := errgroup.WithContext(ctx)
	for i := range keys {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			var err error
			keys[i], err = s.o.Channels.NewKey()
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return keys, fmt.Errorf("actor key: %w", err)
	}
	return keys, nil
}

// EnsureRoot makes the administrator root with the channel root_channel, unless
// there is one. Without a password it makes one of 20 characters. The password
// is returned when the user was created, so that it can be shown once.
func (s *Service) EnsureRoot(ctx context.Context, password string) (created bool, shown string, err error) {
	if _, err := s.ByUsername(ctx, RootName); err == nil || !errors.Is(err, db.ErrNotFound) {
		return false, "", err
	}
	if password == "" {
		if password, err = madePassword(); err != nil {
			return false, "", err
		}
	}
	email := s.o.Config.Current().Admin.Email
	if email == "" {
		email = "admin@localhost"
	}
	unlimited := int64(-1)
	_, err = s.Create(ctx, NewUser{
		Username: RootName, Email: email, Password: password, Role: rest.RoleAdmin,
		VideoQuota: &unlimited, VideoQuotaDaily: &unlimited,
	})
	if errors.Is(err, ErrTaken) {
		// Another process that starts at the same time may have been first.
		if _, found := s.ByUsername(ctx, RootName); found == nil {
			return false, "", nil
		}
	}
	if err != nil {
		return false, "", fmt.Errorf("first administrator: %w", err)
	}
	return true, password, nil
}
