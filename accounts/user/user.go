package user

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/accounts/mail"
	"github.com/kinemesh/kinemesh/accounts/seal"
	"github.com/kinemesh/kinemesh/accounts/ticket"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/kept"
	"github.com/kinemesh/kinemesh/web/rest"
)

// RootName is the first administrator, who can be neither removed nor blocked.
const RootName = "root"

// Errors of the operations. Lookups return [db.ErrNotFound], refused inputs
// are a *rest.Problem.
var (
	ErrTaken       = errors.New("a user with this username or email exists")
	ErrCredentials = errors.New("user credentials are invalid")
	ErrBlocked     = errors.New("user is blocked")
	ErrUnverified  = errors.New("user email is not verified")
	ErrTooLong     = errors.New("password is too long")
	ErrRoot        = errors.New("not possible with the root user")
	ErrNoCode      = errors.New("a code of the second factor is needed")
	ErrCode        = errors.New("code of the second factor is invalid")
	ErrPending     = errors.New("registration awaits approval")
	ErrRejected    = errors.New("registration was rejected")
)

// User is a row of users.
type User struct {
	ID              int64
	Username        string // lower case
	Email           string // lower case
	PasswordHash    string
	Role            rest.Role
	EmailVerified   *bool
	Blocked         bool
	BlockedReason   string
	AdminFlags      int
	VideoQuota      int64 // bytes, -1 unlimited
	VideoQuotaDaily int64
	PendingEmail    *string // lower case; asked for, not verified yet
	OTPSecret       string  `gorm:"column:otp_secret"` // sealed; "" without a second factor
	OTPStep         int64   `gorm:"column:otp_step"`   // of the last code that was used
	FeedGeneration  int64   // of the token for feeds
	FeaturesRead    int     // bits of the news that were closed
	Settings        string  // JSON of Settings
	LastLoginAt     *time.Time
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// TableName is for GORM.
func (User) TableName() string { return "users" }

// columns are those of a row, in the order of [User.fields].
const columns = `id, username, email, password_hash, role, email_verified, blocked, blocked_reason, admin_flags, video_quota,
 video_quota_daily, pending_email, otp_secret, otp_step, feed_generation, features_read, settings, last_login_at, created_at, updated_at`

// fields are where the columns of a row go.
func (u *User) fields() []any {
	return []any{
		&u.ID, &u.Username, &u.Email, &u.PasswordHash, &u.Role, &u.EmailVerified, &u.Blocked, &u.BlockedReason, &u.AdminFlags, &u.VideoQuota,
		&u.VideoQuotaDaily, &u.PendingEmail, &u.OTPSecret, &u.OTPStep, &u.FeedGeneration, &u.FeaturesRead, &u.Settings, &u.LastLoginAt, &u.CreatedAt, &u.UpdatedAt,
	}
}

// Options are what a Service needs.
type Options struct {
	DB       *db.DB
	Channels *channel.Service
	Mail     *mail.Service
	Config   *config.Config
	Logger   *slog.Logger
}

// Service is safe for concurrent use once its fields are set.
type Service struct {
	// Used tells how many bytes a user's videos take, in all and of the last 24
	// hours. The module that has the videos sets it at start; until then it is none.
	Used func(ctx context.Context, userID int64) (total, daily int64, err error)
	// NotificationSettings tells how users want to be told of what happens. The
	// package that has them sets it at start.
	NotificationSettings func(ctx context.Context, userIDs ...int64) (map[int64]map[string]int, error)
	// EndSessions ends every session of a user, within a transaction. The package
	// that has the sessions sets it at start.
	EndSessions func(tx *db.Tx, userID int64) error
	// UsageSQL is a query of user_id, used, daily and files for those of the users
	// @ids who have any: the bytes that Used tells, and those of all files made of
	// the videos. Its parameter @since is the time 24 hours ago. It is set at start;
	// without it nobody has any.
	UsageSQL string
	// UsedSQL is a query of user_id and used for every user who has any, to sort
	// by. It is set at start; without it nobody has any.
	UsedSQL string
	// KeptUsage keeps for lists what UsageSQL and UsedSQL give. It is set with them,
	// since it depends on how many videos there are.
	KeptUsage *kept.Kept
	// Stats counts what a user did, for administrators. It is set at start.
	Stats func(ctx context.Context, userID int64) (Stats, error)
	// SpecialPlaylists are the playlists that each user has. It is set at start.
	SpecialPlaylists func(ctx context.Context, accountID int64) ([]SpecialPlaylist, error)
	// Applicant finds the registration that waits under a name or an address: the
	// hash of its password, and what its state means for a login ([ErrPending],
	// [ErrRejected]). It is set at start.
	Applicant func(ctx context.Context, login string) (passwordHash string, state error, err error)
	// Registered is called in the transaction in which somebody registered.
	Registered func(tx *db.Tx, u *User) error

	o       Options
	kept    *kept.Kept
	hasher  *hasher
	secrets *seal.Box
	logins  *Limiter
	signups *Limiter
	asks    *Limiter
}

// New returns a Service.
func New(o Options) *Service {
	return &Service{
		Used:        func(context.Context, int64) (int64, int64, error) { return 0, 0, nil },
		EndSessions: func(*db.Tx, int64) error { return nil },
		NotificationSettings: func(context.Context, ...int64) (map[int64]map[string]int, error) {
			return map[int64]map[string]int{}, nil
		},
		Stats:            func(context.Context, int64) (Stats, error) { return Stats{}, nil },
		SpecialPlaylists: func(context.Context, int64) ([]SpecialPlaylist, error) { return nil, nil },
		Applicant:        func(context.Context, string) (string, error, error) { return "", nil, nil },
		Registered:       func(*db.Tx, *User) error { return nil },
		o:                o,
		kept:             kept.New(o.DB, "users"),
		KeptUsage:        kept.New(o.DB, "users"),
		hasher:           newHasher(),
		secrets:          seal.New(string(o.Config.Secrets.PeerTube), "second factor"),
		logins:           NewLimiter(o.Config.RatesLimit.Login.Window, o.Config.RatesLimit.Login.Max),
		signups:          NewLimiter(o.Config.RatesLimit.Signup.Window, o.Config.RatesLimit.Signup.Max),
		asks:             NewLimiter(o.Config.RatesLimit.AskSendEmail.Window, o.Config.RatesLimit.AskSendEmail.Max),
	}
}

// ByID finds a user.
func (s *Service) ByID(ctx context.Context, id int64) (*User, error) {
	return s.find(ctx, "id = ?", id)
}

// ByUsername finds a user by name.
func (s *Service) ByUsername(ctx context.Context, username string) (*User, error) {
	return s.find(ctx, "username = ?", strings.ToLower(username))
}

// ByLogin finds a user by name or e-mail address.
func (s *Service) ByLogin(ctx context.Context, login string) (*User, error) {
	login = strings.ToLower(strings.TrimSpace(login))
	if !input.Plain(login) {
		return nil, fmt.Errorf("user: %w", db.ErrNotFound)
	}
	if strings.Contains(login, "@") {
		return s.find(ctx, "email = ?", login)
	}
	return s.find(ctx, "username = ?", login)
}

func (s *Service) find(ctx context.Context, where string, arg any) (*User, error) {
	var u User
	if err := s.o.DB.Read(ctx).Where(where, arg).Take(&u).Error; err != nil {
		return nil, fmt.Errorf("user %v: %w", arg, err)
	}
	return &u, nil
}

// CheckPassword tells whether password is the user's. A nil user takes as long
// and is never right.
func (s *Service) CheckPassword(ctx context.Context, u *User, password string) (bool, error) {
	if len(password) > MaxPassword {
		return false, ErrTooLong
	}
	stored := nobody()
	if u != nil {
		stored = u.PasswordHash
	}
	ok, err := s.hasher.verify(ctx, stored, password)
	if err != nil {
		return false, fmt.Errorf("check password: %w", err)
	}
	return ok && u != nil, nil
}

// SetPassword gives a user another password and ends all sessions.
func (s *Service) SetPassword(ctx context.Context, userID int64, password string) error {
	var check rest.Checker
	s.checkPassword(&check, password)
	if err := check.Err(); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.change(ctx, userID, map[string]any{"password_hash": hash}, true)
}

// change writes columns of a user, and ends the sessions when the rights of
// the user change with them (SEC-47).
func (s *Service) change(ctx context.Context, userID int64, set map[string]any, rights bool) error {
	err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		return s.changeTx(tx, userID, set, rights)
	})
	if db.IsDuplicate(err) {
		return ErrTaken
	}
	return err
}

func (s *Service) changeTx(tx *db.Tx, userID int64, set map[string]any, rights bool) error {
	set["updated_at"] = db.Now()
	r := tx.Model(&User{}).Where("id = ?", userID).Updates(set)
	if r.Error != nil {
		return fmt.Errorf("user %d: %w", userID, r.Error)
	}
	if r.RowsAffected == 0 {
		return fmt.Errorf("user %d: %w", userID, db.ErrNotFound)
	}
	if set["password_hash"] != nil || set["email"] != nil { // a link on the way is good no more
		if err := ticket.Revoke(tx, resetPurpose, userID); err != nil {
			return err
		}
	}
	if !rights {
		return nil
	}
	return s.EndSessions(tx, userID)
}

func (s *Service) checkPassword(check *rest.Checker, password string) {
	low := s.o.Config.Current().User.PasswordConstraints.MinLength
	if utf8.RuneCountInString(password) < low || len(password) > MaxPassword {
		check.Refuse("body", "password", fmt.Sprintf("Should be %d characters to %d bytes", low, MaxPassword), nil)
	}
}
