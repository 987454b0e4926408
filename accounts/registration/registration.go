package registration

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/accounts/mail"
	"github.com/kinemesh/kinemesh/accounts/ticket"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// State is how a registration stands.
type State int

// The states, numbered as in PeerTube.
const (
	Pending  State = 1
	Rejected State = 2
	Accepted State = 3
)

// Label is the state's name in the API.
func (s State) Label() string {
	return map[State]string{Pending: "Pending", Rejected: "Rejected", Accepted: "Accepted"}[s]
}

// Errors of the operations, besides those of user.Service.Create.
var (
	ErrTaken     = errors.New("a registration with this username, channel name or email exists")
	ErrProcessed = errors.New("registration is already accepted or rejected")
)

// Registration is a row of registrations.
type Registration struct {
	ID                 int64
	State              State
	Username           string
	Email              string
	EmailVerified      *bool // nil: it needs no verification
	PasswordHash       string
	AccountDisplayName string
	ChannelHandle      string
	ChannelDisplayName string
	Reason             string
	ModerationResponse *string
	UserID             *int64
	ProcessedAt        *time.Time
	CreatedAt          time.Time
	UpdatedAt          time.Time
}

// TableName is for GORM.
func (Registration) TableName() string { return "registrations" }

// Options are what a Service needs.
type Options struct {
	DB     *db.DB
	Users  *user.Service
	Mail   *mail.Service
	Config *config.Config
}

// Service is safe for concurrent use once its fields are set.
type Service struct {
	// Requested is called in the transaction in which somebody asked for an
	// account. It is set at start.
	Requested func(tx *db.Tx, r *Registration) error

	o Options
}

// New returns a Service.
func New(o Options) *Service {
	return &Service{o: o, Requested: func(*db.Tx, *Registration) error { return nil }}
}

// ByID finds a registration; db.ErrNotFound without one.
func (s *Service) ByID(ctx context.Context, id int64) (*Registration, error) {
	var r Registration
	if err := s.o.DB.Read(ctx).Where("id = ?", id).Take(&r).Error; err != nil {
		return nil, fmt.Errorf("registration %d: %w", id, err)
	}
	return &r, nil
}

// Applicant is what user.Service asks at the login of somebody without account.
func (s *Service) Applicant(ctx context.Context, login string) (passwordHash string, state, err error) {
	login = strings.ToLower(strings.TrimSpace(login))
	if !input.Plain(login) {
		return "", nil, nil
	}
	var rows []Registration
	err = s.o.DB.Read(ctx).Where("state <> ? AND (username = ? OR email = ?)", Accepted, login, login).Order("id").Limit(1).Find(&rows).Error
	switch {
	case err != nil:
		return "", nil, fmt.Errorf("registration by login: %w", err)
	case len(rows) == 0:
		return "", nil, nil
	case rows[0].State == Rejected:
		return rows[0].PasswordHash, user.ErrRejected, nil
	}
	return rows[0].PasswordHash, user.ErrPending, nil
}

// Request keeps what somebody registers with, until a moderator decides.
func (s *Service) Request(ctx context.Context, n user.NewUser, reason string) (*Registration, error) {
	channelHandle := n.ChannelName // "" for the usual one, which Prepare fills in
	if err := s.o.Users.Prepare(ctx, &n); err != nil {
		return nil, err
	}
	now := db.Now()
	r := Registration{
		State: Pending, Username: n.Username, Email: n.Email, EmailVerified: n.EmailVerified, PasswordHash: n.PasswordHash,
		AccountDisplayName: n.DisplayName, ChannelHandle: channelHandle, ChannelDisplayName: n.ChannelDisplayName,
		Reason: reason, CreatedAt: now, UpdatedAt: now,
	}
	err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		r.ID = 0
		if err := tx.Create(&r).Error; err != nil {
			return err
		}
		if err := s.Requested(tx, &r); err != nil {
			return err
		}
		if r.EmailVerified != nil {
			return s.sendVerification(tx, &r)
		}
		return nil
	})
	if db.IsDuplicate(err) {
		return nil, ErrTaken
	}
	if err != nil {
		return nil, fmt.Errorf("registration %s: %w", n.Username, err)
	}
	return &r, nil
}

// Decision is what a moderator says to a registration.
type Decision struct {
	Response string
	Silent   bool // no mail is sent
}

// Accept makes the user. Besides [ErrProcessed] the errors are those of
// user.Service.Create: the names may have been taken since.
func (s *Service) Accept(ctx context.Context, r *Registration, d Decision) (*user.User, error) {
	if r.State != Pending {
		return nil, ErrProcessed
	}
	return s.o.Users.Create(ctx, user.NewUser{
		Username: r.Username, Email: r.Email, PasswordHash: r.PasswordHash, Role: rest.RoleUser, EmailVerified: r.EmailVerified,
		DisplayName: r.AccountDisplayName, ChannelName: r.ChannelHandle, ChannelDisplayName: r.ChannelDisplayName,
		Then: func(tx *db.Tx, u *user.User) error {
			return s.decide(tx, r, d, map[string]any{"state": Accepted, "user_id": u.ID, "password_hash": ""})
		},
	})
}

// Reject refuses a registration. The error may be [ErrProcessed].
func (s *Service) Reject(ctx context.Context, r *Registration, d Decision) error {
	if r.State != Pending {
		return ErrProcessed
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		return s.decide(tx, r, d, map[string]any{"state": Rejected})
	})
}

func (s *Service) decide(tx *db.Tx, r *Registration, d Decision, set map[string]any) error {
	now := db.Now()
	set["moderation_response"], set["processed_at"], set["updated_at"] = d.Response, now, now
	u := tx.Model(&Registration{}).Where("id = ? AND state = ?", r.ID, Pending).Updates(set)
	if u.Error != nil {
		return fmt.Errorf("registration %d: %w", r.ID, u.Error)
	}
	if u.RowsAffected == 0 { // another moderator was first
		return ErrProcessed
	}
	if d.Silent {
		return nil
	}
	return s.sendDecision(tx, r, set["state"] == Accepted, d.Response)
}

// Delete removes a registration, not the user that it became.
func (s *Service) Delete(ctx context.Context, r *Registration) error {
	err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		return errors.Join(
			ticket.Revoke(tx, verifyPurpose, r.ID),
			tx.Where("id = ?", r.ID).Delete(&Registration{}).Error,
		)
	})
	if err != nil {
		return fmt.Errorf("registration %d: %w", r.ID, err)
	}
	return nil
}

// Filter says which registrations are asked for; zero is all.
type Filter struct {
	Search string // in names and addresses
	States []State
}

// List finds registrations. Page.Sort is createdAt or state.
func (s *Service) List(ctx context.Context, f Filter, page rest.Page) (rows []Registration, total int64, err error) {
	q := s.o.DB.Read(ctx).Model(&Registration{})
	if search := input.Line(f.Search); search != "" {
		like := "%" + db.Like(search) + "%" // SEC-51
		q = q.Where(`(username LIKE LOWER(?) ESCAPE '\' OR email LIKE LOWER(?) ESCAPE '\' OR channel_handle LIKE LOWER(?) ESCAPE '\')`, like, like, like)
	}
	if len(f.States) > 0 {
		q = q.Where("state IN ?", f.States)
	}
	if err := q.Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count registrations: %w", err)
	}
	column := map[string]string{"createdAt": "created_at", "state": "state"}[page.Sort]
	if err := q.Order(page.Order(column, "id")).Offset(page.Start).Limit(page.Count).Find(&rows).Error; err != nil {
		return nil, 0, fmt.Errorf("list registrations: %w", err)
	}
	return rows, total, nil
}

const verifyPurpose = "verify-registration-email"

func (s *Service) instance() string { return s.o.Config.Current().Instance.Name }

func (s *Service) sendVerification(tx *db.Tx, r *Registration) error {
	secret, err := ticket.Issue(tx, verifyPurpose, r.ID, r.Email, s.o.Config.User.Links.VerifyEmail)
	if err != nil {
		return err
	}
	q := url.Values{"registrationId": {strconv.FormatInt(r.ID, 10)}, "verificationString": {secret}}
	return s.o.Mail.Send(tx, mail.Letter{
		Subject: "Verify your e-mail address",
		Paragraphs: []string{
			"Hello " + r.Username + ",",
			"you asked for an account on " + s.instance() + ". Please tell us that this address is yours; the link is good for " +
				config.FormatDuration(s.o.Config.User.Links.VerifyEmail) + ". A moderator decides about your request.",
		},
		Action: "Verify this address", URL: s.o.Mail.Link("/verify-account/email?" + q.Encode()),
	}.Unexpected().Message(r.Email))
}

func (s *Service) sendDecision(tx *db.Tx, r *Registration, accepted bool, response string) error {
	l := mail.Letter{
		Subject:    "Your registration was rejected",
		Paragraphs: []string{"Hello " + r.Username + ",", "your registration on " + s.instance() + " was rejected."},
	}
	if accepted {
		l = mail.Letter{
			Subject:    "Your account is ready",
			Paragraphs: []string{"Hello " + r.Username + ",", "your registration on " + s.instance() + " was accepted. Your user name is " + r.Username + "."},
			Action:     "Log in", URL: s.o.Mail.Link("/login"),
		}
	}
	if response != "" {
		l.Paragraphs = append(l.Paragraphs, "The moderators wrote:", response)
	}
	return s.o.Mail.Send(tx, l.Message(r.Email))
}

// SendVerification sends the mail again, when email is that of a pending
// registration which is not verified. It never tells whether it is.
func (s *Service) SendVerification(ctx context.Context, email string) error {
	var rows []Registration
	err := s.o.DB.Read(ctx).Where("email = ? AND state = ? AND email_verified = ?", email, Pending, false).Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return err
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error { return s.sendVerification(tx, &rows[0]) })
}

// VerifyEmail notes that the address is the applicant's. The error may be
// ticket.ErrInvalid.
func (s *Service) VerifyEmail(ctx context.Context, id int64, secret string) error {
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		if _, err := ticket.Use(tx, verifyPurpose, id, secret); err != nil {
			return err
		}
		set := map[string]any{"email_verified": true, "updated_at": db.Now()}
		r := tx.Model(&Registration{}).Where("id = ? AND state = ?", id, Pending).Updates(set)
		if r.Error == nil && r.RowsAffected == 0 {
			return ticket.ErrInvalid // decided since: the user verifies its own address
		}
		return r.Error
	})
}
