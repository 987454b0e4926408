package user

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Routes registers the routes of users.
func (s *Service) Routes(r *rest.Router) {
	r.API.GET("/users/me", rest.SignedIn, s.getMe)
	r.API.PUT("/users/me", rest.SignedIn, s.updateMe)
	r.API.DELETE("/users/me", rest.SignedIn, s.deleteMe)
	r.API.GET("/users/me/video-quota-used", rest.SignedIn, s.quotaUsed)
	r.API.POST("/users/register", rest.Anyone, s.register)
	r.API.POST("/users", rest.Moderator, s.create)
	r.API.GET("/users", rest.Moderator, s.list)
	r.API.GET("/users/:id", rest.Moderator, s.get)
	r.API.PUT("/users/:id", rest.Moderator, s.update)
	r.API.DELETE("/users/:id", rest.Moderator, s.remove)
	r.API.POST("/users/:id/block", rest.Moderator, s.block)
	r.API.POST("/users/:id/unblock", rest.Moderator, s.unblock)
}

// me is the user who makes the request.
func (s *Service) me(c echo.Context) (*User, error) {
	ctx := c.Request().Context()
	u, err := s.ByID(ctx, rest.Current(ctx).UserID)
	if errors.Is(err, db.ErrNotFound) { // deleted since the token was checked
		return nil, &rest.Problem{Status: http.StatusUnauthorized, Code: "invalid_token", Detail: "Invalid token: access token is invalid"}
	}
	return u, err
}

func (s *Service) getMe(c echo.Context) error {
	u, err := s.me(c)
	if err != nil {
		return err
	}
	out, err := s.toAPI(c.Request().Context(), u)
	if err != nil {
		return err
	}
	out[0].SpecialPlaylists = &[]any{}
	return c.JSON(http.StatusOK, out[0])
}

func (s *Service) quotaUsed(c echo.Context) error {
	ctx := c.Request().Context()
	total, daily, err := s.Used(ctx, rest.Current(ctx).UserID)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]int64{"videoQuotaUsed": total, "videoQuotaUsedDaily": daily})
}

// updateMeBody is all that users may set about themselves (SEC-45).
type updateMeBody struct {
	Password                  input.Optional[string]   `json:"password"`
	CurrentPassword           string                   `json:"currentPassword"`
	Email                     input.Optional[string]   `json:"email"`
	DisplayName               input.Optional[string]   `json:"displayName"`
	Description               input.Optional[string]   `json:"description"`
	Theme                     input.Optional[string]   `json:"theme"`
	Language                  input.Optional[string]   `json:"language"`
	EmailPublic               input.Optional[bool]     `json:"emailPublic"`
	NSFWPolicy                input.Optional[string]   `json:"nsfwPolicy"`
	P2PEnabled                input.Optional[bool]     `json:"p2pEnabled"`
	VideosHistoryEnabled      input.Optional[bool]     `json:"videosHistoryEnabled"`
	AutoPlayVideo             input.Optional[bool]     `json:"autoPlayVideo"`
	AutoPlayNextVideo         input.Optional[bool]     `json:"autoPlayNextVideo"`
	AutoPlayNextVideoPlaylist input.Optional[bool]     `json:"autoPlayNextVideoPlaylist"`
	VideoLanguages            input.Optional[[]string] `json:"videoLanguages"`
	NoInstanceConfigModal     input.Optional[bool]     `json:"noInstanceConfigWarningModal"`
	NoWelcomeModal            input.Optional[bool]     `json:"noWelcomeModal"`
	NoAccountSetupModal       input.Optional[bool]     `json:"noAccountSetupWarningModal"`
}

func (s *Service) updateMe(c echo.Context) error {
	u, err := s.me(c)
	if err != nil {
		return err
	}
	var in updateMeBody
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	var check rest.Checker
	set, err := s.SettingsOf(u)
	if err != nil {
		return err
	}
	in.apply(&check, &set)
	if in.Password.Set {
		s.checkPassword(&check, in.Password.Value)
	}
	if in.Email.Set {
		in.Email.Value = input.Email(&check, "email", in.Email.Value)
	}
	var name, about *string
	if in.DisplayName.Set {
		name = new(input.DisplayName(&check, "displayName", in.DisplayName.Value))
	}
	if in.Description.Set {
		about = new(input.LongText(&check, "description", in.Description))
	}
	if err := check.Err(); err != nil {
		return err
	}
	if in.Password.Set || in.Email.Set {
		if err := s.confirm(c.Request().Context(), u, in.CurrentPassword); err != nil {
			return err
		}
	}
	if err := s.saveMe(c.Request().Context(), u, &in, set, name, about); err != nil {
		return err
	}
	return rest.NoContent(c)
}

// confirm asks for the current password before a change that could lock the
// owner out. A stolen token must not be good for guessing it, so attempts count
// with those to log in.
func (s *Service) confirm(ctx context.Context, u *User, current string) error {
	if current == "" {
		return rest.Invalid("body", "currentPassword", "Is needed to change password or email", nil)
	}
	if retry, ok := s.logins.Allow(LoginKey(u.Username)); !ok {
		return TooMany(retry)
	}
	ok, err := s.CheckPassword(ctx, u, current)
	if err != nil && !errors.Is(err, ErrTooLong) {
		return err
	}
	if !ok {
		return &rest.Problem{Status: http.StatusUnauthorized, Code: "current_password_is_invalid", Detail: "currentPassword is invalid."}
	}
	return nil
}

func (s *Service) saveMe(ctx context.Context, u *User, in *updateMeBody, set Settings, name, about *string) error {
	text, err := set.encode()
	if err != nil {
		return err
	}
	columns := map[string]any{"settings": text}
	if in.Password.Set {
		if columns["password_hash"], err = s.hasher.hash(ctx, in.Password.Value); err != nil {
			return err
		}
	}
	if in.Email.Set && in.Email.Value != u.Email {
		columns["email"] = in.Email.Value
		columns["email_verified"] = nil
	}
	owned, err := s.o.Channels.OfUsers(ctx, u.ID)
	if err != nil {
		return err
	}
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := s.changeTx(tx, u.ID, columns, in.Password.Set); err != nil {
			return err
		}
		if name == nil && about == nil {
			return nil
		}
		return s.o.Channels.UpdateActor(tx, owned[u.ID].Account.ActorID, name, about)
	})
	if db.IsDuplicate(err) {
		return rest.Conflict("User with this email already exists.")
	}
	return err
}

var (
	themeName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,49}$`)
	language  = regexp.MustCompile(`^(_unknown|[a-z]{2,3}(-[A-Za-z0-9]{1,8})*)$`)
)

// maxLanguages bounds the list of preferred languages.
const maxLanguages = 500

// apply checks preferences and sets those that were given.
func (in *updateMeBody) apply(check *rest.Checker, s *Settings) {
	for _, f := range []struct {
		from input.Optional[bool]
		to   *bool
		name string
	}{
		{in.EmailPublic, &s.EmailPublic, "emailPublic"},
		{in.P2PEnabled, &s.P2PEnabled, "p2pEnabled"},
		{in.VideosHistoryEnabled, &s.VideosHistoryEnabled, "videosHistoryEnabled"},
		{in.AutoPlayVideo, &s.AutoPlayVideo, "autoPlayVideo"},
		{in.AutoPlayNextVideo, &s.AutoPlayNextVideo, "autoPlayNextVideo"},
		{in.AutoPlayNextVideoPlaylist, &s.AutoPlayNextVideoPlaylist, "autoPlayNextVideoPlaylist"},
		{in.NoInstanceConfigModal, &s.NoInstanceConfigModal, "noInstanceConfigWarningModal"},
		{in.NoWelcomeModal, &s.NoWelcomeModal, "noWelcomeModal"},
		{in.NoAccountSetupModal, &s.NoAccountSetupModal, "noAccountSetupWarningModal"},
	} {
		if f.from.Null {
			check.Refuse("body", f.name, "Should be true or false", nil)
		} else if f.from.Set {
			*f.to = f.from.Value
		}
	}
	if in.NSFWPolicy.Set {
		if !slices.Contains(nsfwPolicies(), in.NSFWPolicy.Value) {
			check.Refuse("body", "nsfwPolicy", "Should be one of "+strings.Join(nsfwPolicies(), ", "), in.NSFWPolicy.Value)
		}
		s.NSFWPolicy = in.NSFWPolicy.Value
	}
	if in.Theme.Set {
		if !themeName.MatchString(in.Theme.Value) {
			check.Refuse("body", "theme", "Should be the name of a theme", in.Theme.Value)
		}
		s.Theme = in.Theme.Value
	}
	if in.Language.Set {
		if s.Language = nil; !in.Language.Null {
			s.Language = &in.Language.Value
		}
		if s.Language != nil && !language.MatchString(*s.Language) {
			check.Refuse("body", "language", "Should be a language code", *s.Language)
		}
	}
	if in.VideoLanguages.Set {
		s.VideoLanguages = in.VideoLanguages.Value // null: all
		if len(s.VideoLanguages) > maxLanguages || slices.ContainsFunc(s.VideoLanguages, func(l string) bool { return !language.MatchString(l) }) {
			check.Refuse("body", "videoLanguages", "Should be language codes", nil)
		}
	}
}

func (s *Service) deleteMe(c echo.Context) error {
	u, err := s.me(c)
	if err != nil {
		return err
	}
	err = s.Delete(c.Request().Context(), u)
	if errors.Is(err, ErrRoot) {
		return rest.BadRequest("You cannot delete your root account.")
	}
	if err != nil {
		return err
	}
	return rest.NoContent(c)
}
