package user

import (
	"context"
	"errors"
	"maps"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

const (
	userNotFound = "User not found"
	userExists   = "User with this username or email already exists."
	noSignup     = "User registration is not enabled"

	maxAdminFlags = 1
	minReason     = 3
	maxReason     = 250
)

// TooMany is the answer to too many attempts.
func TooMany(retry time.Duration) *rest.Problem {
	return &rest.Problem{
		Status: http.StatusTooManyRequests, Detail: "Too many attempts, please try again later.",
		Header: map[string]string{"Retry-After": strconv.Itoa(max(1, int(math.Ceil(retry.Seconds()))))},
	}
}

// createProblem turns what Create says into an answer.
func createProblem(err error, channelName string) error {
	switch {
	case errors.Is(err, channel.ErrNameTaken):
		return rest.Conflict("Channel with name " + channelName + " already exists.")
	case errors.Is(err, ErrTaken):
		return rest.Conflict(userExists)
	}
	return err
}

func (s *Service) create(c echo.Context) error {
	var in struct {
		Username        string              `json:"username"`
		Password        string              `json:"password"`
		Email           string              `json:"email"`
		ChannelName     string              `json:"channelName"`
		VideoQuota      *int64              `json:"videoQuota"`
		VideoQuotaDaily *int64              `json:"videoQuotaDaily"`
		Role            input.Optional[int] `json:"role"`
		AdminFlags      int                 `json:"adminFlags"`
	}
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	var check rest.Checker
	role := rest.Role(in.Role.Or(-1))
	checkRole(&check, role)
	checkFlags(&check, in.AdminFlags)
	if err := check.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	if !rest.Current(ctx).IsAdmin() && role != rest.RoleUser {
		return rest.Forbidden("You can only create users (and not administrators or moderators)")
	}
	u, err := s.Create(ctx, NewUser{
		Username: in.Username, Password: in.Password, Email: in.Email, Role: role, AdminFlags: in.AdminFlags,
		VideoQuota: in.VideoQuota, VideoQuotaDaily: in.VideoQuotaDaily, ChannelName: in.ChannelName,
	})
	if err != nil {
		return createProblem(err, in.ChannelName)
	}
	a, err := s.o.Channels.AccountOfUser(ctx, u.ID)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"user": map[string]any{"id": u.ID, "account": map[string]any{"id": a.ID}}})
}

func checkRole(check *rest.Checker, r rest.Role) {
	if r < rest.RoleAdmin || r > rest.RoleUser {
		check.Refuse("body", "role", "Should be 0 (administrator), 1 (moderator) or 2 (user)", nil)
	}
}

func checkFlags(check *rest.Checker, flags int) {
	if flags < 0 || flags > maxAdminFlags {
		check.Refuse("body", "adminFlags", "Should be 0 or 1", flags)
	}
}

// SignupOpen tells whether a visitor with that address may register.
func (s *Service) SignupOpen(ctx context.Context, ip string) (bool, error) {
	cfg := s.o.Config.Current().Signup
	if !cfg.Enabled || cfg.RequiresApproval || cfg.RequiresEmailVerification || !addressMayRegister(ip, cfg.Filters.CIDR.Whitelist, cfg.Filters.CIDR.Blacklist) {
		return false, nil
	}
	n, err := s.Count(ctx)
	return err == nil && (cfg.Limit < 0 || n < int64(cfg.Limit)), err
}

// register is open to visitors when the settings say so. It takes nothing that
// only administrators may set (SEC-45).
func (s *Service) register(c echo.Context) error {
	ctx := c.Request().Context()
	if open, err := s.SignupOpen(ctx, c.RealIP()); err != nil {
		return err
	} else if !open {
		return rest.Forbidden(noSignup)
	}
	var in struct {
		Username    string `json:"username"`
		Password    string `json:"password"`
		Email       string `json:"email"`
		DisplayName string `json:"displayName"`
		Channel     struct {
			Name        string `json:"name"`
			DisplayName string `json:"displayName"`
		} `json:"channel"`
	}
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	key := AddressKey(c.RealIP())
	if retry, ok := s.signups.Allow(key); !ok {
		return TooMany(retry)
	}
	_, err := s.Create(ctx, NewUser{
		Username: in.Username, Password: in.Password, Email: in.Email, Role: rest.RoleUser,
		Registered: true, DisplayName: in.DisplayName, ChannelName: in.Channel.Name, ChannelDisplayName: in.Channel.DisplayName,
	})
	if err != nil {
		s.signups.Undo(key) // only successes count
		return createProblem(err, in.Channel.Name)
	}
	return rest.NoContent(c)
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

func (s *Service) list(c echo.Context) error {
	page, err := rest.ParsePage(c, "-createdAt", slices.Sorted(maps.Keys(sortColumns()))...)
	if err != nil {
		return err
	}
	var check rest.Checker
	blocked := rest.QueryBool(c, &check, "blocked")
	if err := check.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	users, total, err := s.List(ctx, c.QueryParam("search"), blocked, page)
	if err != nil {
		return err
	}
	out, err := s.toAPI(ctx, users...)
	if err != nil {
		return err
	}
	if err := s.addUsed(ctx, out); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, rest.NewList(total, out))
}

// target is the user that a route names. Moderators may read all, and change
// plain users only.
func (s *Service) target(c echo.Context, change bool) (*User, error) {
	id, err := rest.ParamID(c, "id", userNotFound)
	if err != nil {
		return nil, err
	}
	ctx := c.Request().Context()
	u, err := s.ByID(ctx, id)
	if errors.Is(err, db.ErrNotFound) {
		return nil, rest.NotFound(userNotFound)
	}
	if err == nil && change && !rest.Current(ctx).IsAdmin() && u.Role != rest.RoleUser {
		return nil, rest.Forbidden("Users can only be managed by moderators or admins.")
	}
	return u, err
}

func (s *Service) get(c echo.Context) error {
	u, err := s.target(c, false)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	out, err := s.toAPI(ctx, u)
	if err != nil {
		return err
	}
	if err := s.addUsed(ctx, out); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out[0])
}

// update is what administrators, and moderators for plain users, may change.
func (s *Service) update(c echo.Context) error {
	u, err := s.target(c, true)
	if err != nil {
		return err
	}
	var in struct {
		Email           input.Optional[string] `json:"email"`
		EmailVerified   input.Optional[bool]   `json:"emailVerified"`
		VideoQuota      *int64                 `json:"videoQuota"`
		VideoQuotaDaily *int64                 `json:"videoQuotaDaily"`
		Role            input.Optional[int]    `json:"role"`
		AdminFlags      input.Optional[int]    `json:"adminFlags"`
		Password        input.Optional[string] `json:"password"`
	}
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	ctx := c.Request().Context()
	var check rest.Checker
	set := map[string]any{}
	if in.Email.Given() {
		set["email"] = input.Email(&check, "email", in.Email.Value)
	}
	if in.EmailVerified.Given() {
		set["email_verified"] = in.EmailVerified.Value
	}
	if in.VideoQuota != nil {
		set["video_quota"] = *quota(&check, "videoQuota", in.VideoQuota, 0)
	}
	if in.VideoQuotaDaily != nil {
		set["video_quota_daily"] = *quota(&check, "videoQuotaDaily", in.VideoQuotaDaily, 0)
	}
	role := rest.Role(in.Role.Or(int(u.Role)))
	checkRole(&check, role)
	set["role"] = role
	if in.AdminFlags.Given() {
		checkFlags(&check, in.AdminFlags.Value)
		set["admin_flags"] = in.AdminFlags.Value
	}
	if in.Password.Given() {
		s.checkPassword(&check, in.Password.Value)
	}
	if err := check.Err(); err != nil {
		return err
	}
	switch {
	case u.Username == RootName && role != rest.RoleAdmin:
		return rest.BadRequest("Cannot change root role.")
	case !rest.Current(ctx).IsAdmin() && role != rest.RoleUser:
		return rest.Forbidden("Only administrators may give this role")
	}
	if in.Password.Given() {
		if set["password_hash"], err = s.hasher.hash(ctx, in.Password.Value); err != nil {
			return err
		}
	}
	err = s.change(ctx, u.ID, set, role != u.Role || in.Password.Given())
	if errors.Is(err, ErrTaken) {
		return rest.Conflict("User with this email already exists.")
	}
	if err != nil {
		return err
	}
	return rest.NoContent(c)
}

func (s *Service) remove(c echo.Context) error {
	u, err := s.target(c, true)
	if err != nil {
		return err
	}
	err = s.Delete(c.Request().Context(), u)
	if errors.Is(err, ErrRoot) {
		return rest.BadRequest("Cannot delete the root user")
	}
	if err != nil {
		return err
	}
	return rest.NoContent(c)
}

func (s *Service) block(c echo.Context) error {
	u, err := s.target(c, true)
	if err != nil {
		return err
	}
	var in struct {
		Reason string `json:"reason"`
	}
	if c.Request().ContentLength != 0 {
		if err := input.JSON(c, &in); err != nil {
			return err
		}
	}
	reason := input.Text(in.Reason)
	if n := utf8.RuneCountInString(reason); n > 0 && n < minReason || n > maxReason {
		return rest.Invalid("body", "reason", "Should be 3 to 250 characters", in.Reason)
	}
	err = s.Block(c.Request().Context(), u, reason)
	if errors.Is(err, ErrRoot) {
		return rest.BadRequest("Cannot block the root user")
	}
	if err != nil {
		return err
	}
	return rest.NoContent(c)
}

func (s *Service) unblock(c echo.Context) error {
	u, err := s.target(c, true)
	if err != nil {
		return err
	}
	if err := s.Unblock(c.Request().Context(), u); err != nil {
		return err
	}
	return rest.NoContent(c)
}
