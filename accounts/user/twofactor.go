package user

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/kinemesh/kinemesh/accounts/ticket"
	"github.com/kinemesh/kinemesh/config/db"
)

// The second factor: codes of six digits for 30 seconds each, as every
// authenticator application makes them (RFC 6238).
const (
	otpPeriod = 30
	otpSkew   = 1 // codes before and after the present one, for clocks that differ

	otpPurpose = "two-factor"
	otpRequest = 10 * time.Minute // until it is confirmed
)

// OTPRequest is a second factor that its owner has not confirmed yet.
type OTPRequest struct {
	RequestToken string `json:"requestToken"`
	Secret       string `json:"secret"`
	URI          string `json:"uri"` // for the picture that applications scan
}

var (
	errFactorOn  = errors.New("second factor is on")
	errFactorOff = errors.New("second factor is off")
)

// RequestTwoFactor makes a secret that [Service.ConfirmTwoFactor] puts into use.
func (s *Service) RequestTwoFactor(ctx context.Context, u *User) (*OTPRequest, error) {
	if u.OTPSecret != "" {
		return nil, errFactorOn
	}
	raw := make([]byte, 20) // RFC 4226 4: as long as the hash
	if _, err := rand.Read(raw); err != nil {
		return nil, fmt.Errorf("random: %w", err)
	}
	key, err := totp.Generate(totp.GenerateOpts{
		Issuer: s.o.Config.Current().Instance.Name, AccountName: u.Email, Secret: raw, Period: otpPeriod,
	})
	if err != nil {
		return nil, fmt.Errorf("second factor: %w", err)
	}
	r := &OTPRequest{Secret: base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw), URI: key.URL()}
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		r.RequestToken, err = ticket.Issue(tx, otpPurpose, u.ID, s.secrets.Seal([]byte(r.Secret), secretOwner(u.ID)), otpRequest)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// ConfirmTwoFactor puts a requested second factor into use, for who has a code
// of it. The errors are ticket.ErrInvalid and [ErrCode]; after the latter the
// request may be tried again.
func (s *Service) ConfirmTwoFactor(ctx context.Context, userID int64, requestToken, code string) error {
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		sealed, err := ticket.Use(tx, otpPurpose, userID, requestToken)
		if err != nil {
			return err
		}
		step, err := s.stepOf(userID, sealed, code)
		if err != nil {
			return err
		}
		// The code is used up by this and does not log in besides.
		return s.changeTx(tx, userID, map[string]any{"otp_secret": sealed, "otp_step": step}, false)
	})
}

// DisableTwoFactor takes the second factor away.
func (s *Service) DisableTwoFactor(ctx context.Context, u *User) error {
	if u.OTPSecret == "" {
		return errFactorOff
	}
	return s.change(ctx, u.ID, map[string]any{"otp_secret": "", "otp_step": 0}, false)
}

// useCode checks a code of the user's second factor and uses it up: nobody who
// saw it may come with it again (SEC-46).
func (s *Service) useCode(ctx context.Context, u *User, code string) error {
	step, err := s.stepOf(u.ID, u.OTPSecret, code)
	if err != nil {
		return err
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		r := tx.Model(&User{}).Where("id = ? AND otp_secret = ? AND otp_step < ?", u.ID, u.OTPSecret, step).UpdateColumn("otp_step", step)
		if r.Error == nil && r.RowsAffected == 0 {
			return ErrCode
		}
		return r.Error
	})
}

// stepOf is the number of 30 seconds whose code this is, or [ErrCode].
func (s *Service) stepOf(userID int64, sealed, code string) (int64, error) {
	secret, err := s.secrets.Open(sealed, secretOwner(userID))
	if err != nil {
		return 0, fmt.Errorf("second factor of user %d: %w", userID, err)
	}
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	now := time.Now().Unix() / otpPeriod
	for step := now - otpSkew; step <= now+otpSkew; step++ {
		want, err := totp.GenerateCodeCustom(string(secret), time.Unix(step*otpPeriod, 0), totp.ValidateOpts{Period: otpPeriod, Digits: otp.DigitsSix})
		if err != nil {
			return 0, fmt.Errorf("second factor of user %d: %w", userID, err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			return step, nil
		}
	}
	return 0, ErrCode
}

// secretOwner keeps a secret from being of use in another user's row.
func secretOwner(userID int64) string { return strconv.FormatInt(userID, 10) }
