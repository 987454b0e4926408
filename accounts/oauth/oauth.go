package oauth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/accounts/seal"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config/db"
)

// Options are what a Service needs.
type Options struct {
	DB     *db.DB
	Users  *user.Service
	Origin string // public address, without a slash at the end
	Host   string // of Origin, with the port unless it is the scheme's own
	// AnyHost gives the client's secret to requests for any host name. It is for
	// tests; elsewhere a page of another name must not get it.
	AnyHost         bool
	AccessLifetime  time.Duration
	RefreshLifetime time.Duration
	Logger          *slog.Logger
}

// Service is safe for concurrent use.
type Service struct{ o Options }

// New returns a Service.
func New(o Options) *Service { return &Service{o} }

// client is a row of oauth_clients. There is one, for all programs.
type client struct {
	ID           int64
	ClientID     string
	ClientSecret string
	CreatedAt    time.Time
}

func (client) TableName() string { return "oauth_clients" }

// token is a row of oauth_tokens: a pair of tokens.
type token struct {
	ID               int64
	UserID           int64
	ClientID         int64
	Family           string
	AccessHash       string
	RefreshHash      string
	AccessExpiresAt  time.Time
	RefreshExpiresAt time.Time
	RotatedAt        *time.Time // the pair was replaced and is dead
	CreatedAt        time.Time
	// Where the family began, and where it was used last.
	LoginDevice, LoginIP   string
	LoginAt                time.Time
	ActiveDevice, ActiveIP string
	ActiveAt               time.Time
}

func (token) TableName() string { return "oauth_tokens" }

// session is a row of web_sessions.
type session struct {
	ID        int64
	UserID    int64
	TokenHash string
	ExpiresAt time.Time
	CreatedAt time.Time

	Device, IP             string // where it began
	ActiveDevice, ActiveIP string // where it was used last
	ActiveAt               time.Time
}

func (session) TableName() string { return "web_sessions" }

// Client gives the id and secret that programs identify themselves with, and
// makes them at the first call.
func (s *Service) Client(ctx context.Context) (id, secret string, err error) {
	var c client
	err = s.o.DB.Read(ctx).Order("id").Take(&c).Error
	if err == nil || !errors.Is(err, db.ErrNotFound) {
		return c.ClientID, c.ClientSecret, err
	}
	c.CreatedAt = db.Now()
	if c.ClientID, err = randomText(32, "abcdefghijklmnopqrstuvwxyz0123456789"); err != nil {
		return "", "", err
	}
	if c.ClientSecret, err = randomText(32, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"); err != nil {
		return "", "", err
	}
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		var have client
		err := tx.Order("id").Take(&have).Error
		if err == nil {
			c = have
			return nil
		}
		if !errors.Is(err, db.ErrNotFound) {
			return err
		}
		// Two processes may both make one at the very first start: either works.
		return tx.Create(&c).Error
	})
	if err != nil {
		return "", "", fmt.Errorf("oauth client: %w", err)
	}
	return c.ClientID, c.ClientSecret, nil
}

// EndSessions ends everything that lets a user in, within a transaction.
func (s *Service) EndSessions(tx *db.Tx, userID int64) error {
	err := errors.Join(
		tx.Where("user_id = ?", userID).Delete(&token{}).Error,
		tx.Where("user_id = ?", userID).Delete(&session{}).Error,
	)
	if err != nil {
		return fmt.Errorf("end sessions of user %d: %w", userID, err)
	}
	return nil
}

// DeleteExpired removes tokens and sessions that are over.
func (s *Service) DeleteExpired(ctx context.Context) error {
	err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		now := db.Now()
		return errors.Join(
			tx.Where("refresh_expires_at < ?", now).Delete(&token{}).Error,
			tx.Where("expires_at < ?", now).Delete(&session{}).Error,
		)
	})
	if err != nil {
		return fmt.Errorf("delete expired sessions: %w", err)
	}
	return nil
}

// newToken makes a token and its stored form (SEC-47).
func newToken() (plain, hash string, err error) {
	return seal.Token()
}

func hashToken(plain string) string { return seal.Hash(plain) }

// maxToken is above the length of any token given out.
const maxToken = 128

func randomText(n int, alphabet string) (string, error) {
	var b strings.Builder
	for range n {
		i, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			return "", fmt.Errorf("random: %w", err)
		}
		b.WriteByte(alphabet[i.Int64()])
	}
	return b.String(), nil
}
