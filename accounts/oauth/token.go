package oauth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config/db"
)

// ErrRefresh says that a refresh token is unknown, used up, expired or
// another client's.
var ErrRefresh = errors.New("refresh token is invalid")

// Pair is what a client gets.
type Pair struct {
	Access, Refresh                   string
	AccessExpiresAt, RefreshExpiresAt time.Time
}

// Login finds the user that an attempt to log in is right for. It is
// user.Service.Login, for those who have this package alone.
func (s *Service) Login(ctx context.Context, a user.Attempt) (*user.User, error) {
	return s.o.Users.Login(ctx, a)
}

// Issue begins a family of tokens for a user who logged in.
func (s *Service) Issue(ctx context.Context, userID, clientID int64, from Place) (*Pair, error) {
	family, _, err := newToken()
	if err != nil {
		return nil, err
	}
	var p *Pair
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := s.o.Users.NoteLogin(tx, userID); err != nil {
			return err
		}
		p, err = s.insert(tx, &token{
			UserID: userID, ClientID: clientID, Family: family, LoginDevice: from.Device, LoginIP: from.IP, LoginAt: db.Now(),
		}, from)
		return err
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// insert adds a pair to a family. What is the same for all its pairs is in of.
func (s *Service) insert(tx *db.Tx, of *token, from Place) (*Pair, error) {
	access, accessHash, err := newToken()
	if err != nil {
		return nil, err
	}
	refresh, refreshHash, err := newToken()
	if err != nil {
		return nil, err
	}
	now := db.Now()
	row := token{
		UserID: of.UserID, ClientID: of.ClientID, Family: of.Family, AccessHash: accessHash, RefreshHash: refreshHash,
		AccessExpiresAt: now.Add(s.o.AccessLifetime), RefreshExpiresAt: now.Add(s.o.RefreshLifetime), CreatedAt: now,
		LoginDevice: of.LoginDevice, LoginIP: of.LoginIP, LoginAt: of.LoginAt,
		ActiveDevice: from.Device, ActiveIP: from.IP, ActiveAt: now,
	}
	if err := tx.Create(&row).Error; err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	return &Pair{access, refresh, row.AccessExpiresAt, row.RefreshExpiresAt}, nil
}

// Refresh replaces a pair of tokens. Who comes with a refresh token that was
// used before, be it the thief or the victim, ends the whole family: the two
// cannot be told apart (SEC-47). [ErrRefresh] for all refusals.
func (s *Service) Refresh(ctx context.Context, refresh string, clientID int64, from Place) (*Pair, error) {
	if len(refresh) > maxToken {
		return nil, ErrRefresh
	}
	var p *Pair
	err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		p = nil
		var row token
		q := tx.DB
		if tx.Dialect() == db.Postgres { // on SQLite the single writer is the lock
			q = q.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
		}
		err := q.Where("refresh_hash = ?", hashToken(refresh)).Take(&row).Error
		if errors.Is(err, db.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("refresh: %w", err)
		}
		now := db.Now()
		switch {
		case row.ClientID != clientID, !now.Before(row.RefreshExpiresAt):
			return nil
		case row.RotatedAt != nil:
			s.o.Logger.WarnContext(ctx, "refresh token used twice, session ended", "user", row.UserID)
			return tx.Where("family = ?", row.Family).Delete(&token{}).Error
		}
		if err := tx.Model(&token{}).Where("id = ?", row.ID).Update("rotated_at", now).Error; err != nil {
			return fmt.Errorf("refresh: %w", err)
		}
		p, err = s.insert(tx, &row, from)
		return err
	})
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, ErrRefresh
	}
	return p, nil
}

// Revoke ends the family of a pair.
func (s *Service) Revoke(ctx context.Context, tokenID int64) error {
	err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		return tx.Exec("DELETE FROM oauth_tokens WHERE family = (SELECT family FROM oauth_tokens WHERE id = ?)", tokenID).Error
	})
	if err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	return nil
}

// findClient checks the client's id and secret.
func (s *Service) findClient(ctx context.Context, id, secret string) (*client, error) {
	var c client
	err := s.o.DB.Read(ctx).Where("client_id = ?", id).Take(&c).Error
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(secret), []byte(c.ClientSecret)) != 1 {
		return nil, db.ErrNotFound
	}
	return &c, nil
}
