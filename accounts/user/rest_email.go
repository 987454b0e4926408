package user

import (
	"errors"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/accounts/ticket"
	"github.com/kinemesh/kinemesh/web/rest"
)

const notVerified = "Invalid verification string."

// AskedAddress reads the address to which a mail is asked for, see MayAsk.
func (s *Service) AskedAddress(c echo.Context) (string, error) {
	var in struct {
		Email string `json:"email"`
	}
	if err := input.JSON(c, &in); err != nil {
		return "", err
	}
	return s.MayAsk(c, in.Email)
}

// MayAsk checks an address to which a mail is asked for. Requests count for the
// one who asks and for the address that would get the mails.
func (s *Service) MayAsk(c echo.Context, email string) (string, error) {
	var check rest.Checker
	email = input.Email(&check, "email", email)
	if err := check.Err(); err != nil {
		return "", err
	}
	if many := s.asks.Allow(AddressKey(c.RealIP()), "mail:"+email); many != nil {
		return "", many.Problem()
	}
	return email, nil
}

func (s *Service) askSendVerifyEmail(c echo.Context) error {
	email, err := s.AskedAddress(c)
	if err != nil {
		return err
	}
	if err := s.SendVerification(c.Request().Context(), email); err != nil {
		return err
	}
	return rest.NoContent(c)
}

func (s *Service) verifyEmail(c echo.Context) error {
	u, err := s.byParam(c)
	if err != nil {
		return err
	}
	var in struct {
		VerificationString string `json:"verificationString"`
		IsPendingEmail     bool   `json:"isPendingEmail"`
	}
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	if in.VerificationString == "" {
		return rest.Invalid("body", "verificationString", "Should have a verification string", nil)
	}
	if err := s.VerifyEmail(c.Request().Context(), u.ID, in.VerificationString, in.IsPendingEmail); err != nil {
		return SecretProblem(err)
	}
	return rest.NoContent(c)
}

// SecretProblem is the answer to a secret of a mail that is not good.
func SecretProblem(err error) error {
	switch {
	case errors.Is(err, ticket.ErrInvalid):
		return rest.Forbidden(notVerified)
	case errors.Is(err, ErrTaken):
		return rest.Conflict(emailExists)
	}
	return err
}

func (s *Service) askResetPassword(c echo.Context) error {
	email, err := s.AskedAddress(c)
	if err != nil {
		return err
	}
	if err := s.AskReset(c.Request().Context(), email); err != nil {
		return err
	}
	return rest.NoContent(c)
}

func (s *Service) resetPassword(c echo.Context) error {
	u, err := s.byParam(c)
	if err != nil {
		return err
	}
	var in struct {
		VerificationString string `json:"verificationString"`
		Password           string `json:"password"`
	}
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	if in.VerificationString == "" {
		return rest.Invalid("body", "verificationString", "Should have a verification string", nil)
	}
	if err := s.Reset(c, u.ID, in.VerificationString, in.Password); err != nil {
		return err
	}
	return rest.NoContent(c)
}

// Reset is ResetPassword for a request, which counts as an attempt to log in:
// each costs a hash. Refusals are a *rest.Problem.
func (s *Service) Reset(c echo.Context, userID int64, secret, password string) error {
	if many := s.logins.Allow(AddressKey(c.RealIP())); many != nil {
		return many.Problem()
	}
	return SecretProblem(s.ResetPassword(c.Request().Context(), userID, secret, password))
}
