package user

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/web/rest"
)

// SignupOpen tells whether a visitor with that address may register, at once or
// with approval.
func (s *Service) SignupOpen(ctx context.Context, ip string) (bool, error) {
	problem, err := s.signupClosed(ctx, ip)
	return problem == nil && err == nil, err
}

// signupClosed says why a visitor may not register; nil when it may.
func (s *Service) signupClosed(ctx context.Context, ip string) (*rest.Problem, error) {
	cfg := s.o.Config.Current().Signup
	if !cfg.Enabled {
		return rest.Forbidden(noSignup), nil
	}
	if !addressMayRegister(ip, cfg.Filters.CIDR.Whitelist, cfg.Filters.CIDR.Blacklist) {
		return rest.Forbidden(noNetwork), nil
	}
	n, err := s.Count(ctx)
	if err == nil && cfg.Limit >= 0 && n >= int64(cfg.Limit) {
		return rest.Forbidden(noSignup), nil
	}
	return nil, err
}

// MayRegister checks that a visitor may register: at once, or with approval.
// The error is a *rest.Problem that says why not.
func (s *Service) MayRegister(c echo.Context, approval bool) error {
	problem, err := s.signupClosed(c.Request().Context(), c.RealIP())
	if err != nil {
		return err
	}
	required := s.o.Config.Current().Signup.RequiresApproval
	switch {
	case problem != nil:
		return problem
	case required && !approval:
		return rest.Forbidden(noSignup)
	case !required && approval:
		return rest.BadRequest("Signup approval is not enabled on this instance")
	}
	return nil
}

// Signup is what a visitor registers with. It has nothing that only
// administrators may set (SEC-45).
type Signup struct {
	Username    string                 `json:"username"`
	Password    string                 `json:"password"`
	Email       string                 `json:"email"`
	DisplayName input.Optional[string] `json:"displayName"`
	Channel     struct {
		Name        input.Optional[string] `json:"name"`
		DisplayName input.Optional[string] `json:"displayName"`
	} `json:"channel"`
}

// check refuses names that are sent but empty: only those that are left out are
// made up.
func (in *Signup) check() error {
	var check rest.Checker
	for _, f := range []struct {
		name string
		sent input.Optional[string]
		most int
	}{
		{"displayName", in.DisplayName, input.MaxDisplayName},
		{"channel.name", in.Channel.Name, input.MaxName},
		{"channel.displayName", in.Channel.DisplayName, input.MaxDisplayName},
	} {
		if f.sent.Given() && f.sent.Value == "" {
			check.Refuse("body", f.name, fmt.Sprintf("Should have 1 to %d characters", f.most), "")
		}
	}
	return check.Err()
}

// NewUser is the plain user that a visitor becomes, whose address is to be
// verified when the settings say so. The error is a *rest.Problem.
func (s *Service) NewUser(in *Signup) (NewUser, error) {
	if err := in.check(); err != nil {
		return NewUser{}, err
	}
	n := NewUser{
		Username: in.Username, Password: in.Password, Email: in.Email, Role: rest.RoleUser, Registered: true,
		DisplayName: in.DisplayName.Value, ChannelName: in.Channel.Name.Value, ChannelDisplayName: in.Channel.DisplayName.Value,
	}
	if s.o.Config.Current().Signup.RequiresEmailVerification {
		n.EmailVerified = new(false)
	}
	return n, nil
}

// CountSignup runs register, which counts for the address of the visitor when
// it succeeds.
func (s *Service) CountSignup(c echo.Context, register func() error) error {
	key := AddressKey(c.RealIP())
	if many := s.signups.Allow(key); many != nil {
		return many.Problem()
	}
	err := register()
	if err != nil {
		s.signups.Undo(key)
	}
	return err
}

// register is open to visitors when the settings say so.
func (s *Service) register(c echo.Context) error {
	if err := s.MayRegister(c, false); err != nil {
		return err
	}
	var in Signup
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	if _, err := s.Register(c, &in); err != nil {
		return err
	}
	return rest.NoContent(c)
}

// Register makes the user that a visitor registers, who [Service.MayRegister].
// Refusals are a *rest.Problem.
func (s *Service) Register(c echo.Context, in *Signup) (u *User, err error) {
	n, err := s.NewUser(in)
	if err != nil {
		return nil, err
	}
	err = s.CountSignup(c, func() (err error) {
		u, err = s.Create(c.Request().Context(), n)
		return err
	})
	return u, CreateProblem(err, n.ChannelName)
}

// addressMayRegister applies signup.filters.cidr.
func addressMayRegister(ip string, allow, deny []netip.Prefix) bool {
	if len(allow) == 0 && len(deny) == 0 {
		return true
	}
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return false
	}
	a = a.Unmap().WithZone("")
	within := func(p netip.Prefix) bool { return p.Contains(a) }
	return (len(allow) == 0 || slices.ContainsFunc(allow, within)) && !slices.ContainsFunc(deny, within)
}
