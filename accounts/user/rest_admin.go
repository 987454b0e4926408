package user

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
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
	emailExists  = "User with this email already exists."
	noSignup     = "User registration is not enabled, user limit is reached or registration requires approval."
	noNetwork    = "You are not on a network authorized for registration."

	maxAdminFlags = 1
	minReason     = 3
	maxReason     = 250
)

// CreateProblem turns what Create says into an answer.
func CreateProblem(err error, channelName string) error {
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
		Password        string              `json:"password"` // empty: a mail lets the user set one
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
		Invited: in.Password == "" && s.o.Mail.Enabled(),
	})
	if err != nil {
		return CreateProblem(err, in.ChannelName)
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

func (s *Service) list(c echo.Context) error {
	page, err := rest.ParsePage(c, "-createdAt", slices.Sorted(maps.Keys(sortColumns()))...)
	if err != nil {
		return err
	}
	var check rest.Checker
	f := Filter{Search: c.QueryParam("search"), Blocked: rest.QueryBool(c, &check, "blocked"), Role: queryRole(c, &check)}
	if err := check.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	users, total, err := s.List(ctx, f, page)
	if err != nil {
		return err
	}
	out, err := s.toAPI(ctx, users...)
	if err != nil {
		return err
	}
	if err := addUsed(ctx, out, s.keptUsages); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, rest.NewList(total, out))
}

func queryRole(c echo.Context, check *rest.Checker) *rest.Role {
	text := c.QueryParam("role")
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < int(rest.RoleAdmin) || n > int(rest.RoleUser) {
		check.Refuse("query", "role", "Should be 0 (administrator), 1 (moderator) or 2 (user)", text)
	}
	return new(rest.Role(n))
}

// byParam is the user that a route names.
func (s *Service) byParam(c echo.Context) (*User, error) {
	id, err := rest.ParamID(c, "id", userNotFound)
	if err != nil {
		return nil, err
	}
	u, err := s.ByID(c.Request().Context(), id)
	if errors.Is(err, db.ErrNotFound) {
		return nil, rest.NotFound(userNotFound)
	}
	return u, err
}

// target is the user that a route of moderators names. They may read all, and
// change plain users only.
func (s *Service) target(c echo.Context, change bool) (*User, error) {
	u, err := s.byParam(c)
	if err == nil && change && !rest.Current(c.Request().Context()).IsAdmin() && u.Role != rest.RoleUser {
		return nil, rest.Forbidden("Users can only be managed by moderators or admins.")
	}
	return u, err
}

// OwnTarget is the user that a route names, when it is the one who asks, or one
// whom the asker manages: of administrators all, of moderators plain users
// (SEC-44).
func (s *Service) OwnTarget(c echo.Context) (u *User, own bool, err error) {
	if u, err = s.byParam(c); err != nil {
		return nil, false, err
	}
	p := rest.Current(c.Request().Context())
	own = u.ID == p.UserID
	if !own && !p.IsAdmin() && (!p.IsModerator() || u.Role != rest.RoleUser) {
		return nil, false, rest.Forbidden("User " + p.Username + " does not have right to change this user.")
	}
	return u, own, nil
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
	if err := addUsed(ctx, out, s.usages); err != nil {
		return err
	}
	var check rest.Checker
	if with := rest.QueryBool(c, &check, "withStats"); with != nil && *with {
		stats, err := s.Stats(ctx, u.ID)
		if err != nil {
			return err
		}
		out[0].Stats = &stats
	}
	if err := check.Err(); err != nil {
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
		PluginAuth      input.Optional[string] `json:"pluginAuth"`
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
	if in.PluginAuth.Given() {
		check.Refuse("body", "pluginAuth", "Should be null, there are no plugins", in.PluginAuth.Value)
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
		return rest.Conflict(emailExists)
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
