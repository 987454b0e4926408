package user

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/accounts/ticket"
	"github.com/kinemesh/kinemesh/web/rest"
)

// factorOwner is the user whose second factor is asked for. Who changes its own
// gives the password; administrators need none for others, who may have lost
// their device.
func (s *Service) factorOwner(c echo.Context) (*User, error) {
	u, own, err := s.OwnTarget(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		CurrentPassword string `json:"currentPassword"`
	}
	if own || c.Request().ContentLength != 0 {
		if err := input.JSON(c, &in); err != nil {
			return nil, err
		}
	}
	if !own {
		return u, nil
	}
	return u, s.confirm(c.Request().Context(), u, in.CurrentPassword, http.StatusForbidden)
}

func (s *Service) requestTwoFactor(c echo.Context) error {
	u, err := s.factorOwner(c)
	if err != nil {
		return err
	}
	r, err := s.RequestTwoFactor(c.Request().Context(), u)
	if errors.Is(err, errFactorOn) {
		return rest.BadRequest("Two factor is already enabled.")
	}
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, map[string]any{"otpRequest": r})
}

func (s *Service) confirmTwoFactor(c echo.Context) error {
	u, _, err := s.OwnTarget(c)
	if err != nil {
		return err
	}
	var in struct {
		RequestToken string `json:"requestToken"`
		OTPToken     string `json:"otpToken"`
	}
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	var check rest.Checker
	if in.RequestToken == "" {
		check.Refuse("body", "requestToken", "Should be the token of a request", nil)
	}
	if in.OTPToken == "" {
		check.Refuse("body", "otpToken", "Should be a code of the application", nil)
	}
	if err := check.Err(); err != nil {
		return err
	}
	if u.OTPSecret != "" {
		return rest.BadRequest("Two factor is already enabled.")
	}
	err = s.ConfirmTwoFactor(c.Request().Context(), u.ID, in.RequestToken, in.OTPToken)
	switch {
	case errors.Is(err, ticket.ErrInvalid):
		return rest.Forbidden("Invalid request token")
	case errors.Is(err, ErrCode):
		return rest.Forbidden("Invalid OTP token")
	case err != nil:
		return err
	}
	return rest.NoContent(c)
}

func (s *Service) disableTwoFactor(c echo.Context) error {
	u, err := s.factorOwner(c)
	if err != nil {
		return err
	}
	err = s.DisableTwoFactor(c.Request().Context(), u)
	if errors.Is(err, errFactorOff) {
		return rest.BadRequest("Two factor is already disabled.")
	}
	if err != nil {
		return err
	}
	return rest.NoContent(c)
}
