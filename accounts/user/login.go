package user

import (
	"context"
	"errors"

	"github.com/kinemesh/kinemesh/config/db"
)

// Attempt is what somebody comes with to log in.
type Attempt struct {
	Login    string // name or e-mail address
	Password string
	OTP      string // code of the second factor
	IP       string
}

// Login finds the user that an attempt is right for. Attempts count, per
// address and per account, whether they succeed or not (SEC-46). The errors are
// [ErrCredentials], [ErrTooLong] and [TooManyError]; and with the right password
// only [ErrBlocked], [ErrUnverified], [ErrNoCode], [ErrCode], and, for those who
// have no account yet, [ErrPending] and [ErrRejected].
func (s *Service) Login(ctx context.Context, a Attempt) (*User, error) {
	if many := s.logins.Allow(AddressKey(a.IP)); many != nil {
		return nil, many
	}
	u, err := s.ByLogin(ctx, a.Login)
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return nil, err
	}
	key := LoginKey(a.Login)
	if u != nil {
		key = LoginKey(u.Username) // however it was spelled
	}
	if many := s.logins.Allow(key); many != nil {
		return nil, many
	}
	if u == nil {
		return nil, s.loginApplicant(ctx, a)
	}
	switch ok, err := s.CheckPassword(ctx, u, a.Password); {
	case err != nil:
		return nil, err
	case !ok:
		return nil, ErrCredentials
	case u.Blocked:
		return nil, ErrBlocked
	case u.unverified() && s.o.Config.Current().Signup.RequiresEmailVerification:
		return nil, ErrUnverified
	case u.OTPSecret == "":
		return u, nil
	case a.OTP == "":
		return nil, ErrNoCode
	}
	return u, s.useCode(ctx, u, a.OTP)
}

// loginApplicant tells those who know the password of a registration how it
// stands, and takes as long for everybody else.
func (s *Service) loginApplicant(ctx context.Context, a Attempt) error {
	hash, state, err := s.Applicant(ctx, a.Login)
	if err != nil {
		return err
	}
	var applicant *User
	if hash != "" {
		applicant = &User{PasswordHash: hash}
	}
	switch ok, err := s.CheckPassword(ctx, applicant, a.Password); {
	case err != nil:
		return err
	case ok:
		return state
	}
	return ErrCredentials
}

// unverified tells whether the address was to be verified and was not.
func (u *User) unverified() bool { return u.EmailVerified != nil && !*u.EmailVerified }
