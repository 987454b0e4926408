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
	r.API.POST("/users/me/new-feature-info/read", rest.SignedIn, s.readFeature)
	r.API.GET("/users/scoped-tokens", rest.SignedIn, s.scopedTokens)
	r.API.POST("/users/scoped-tokens", rest.SignedIn, s.renewScopedTokens)
	r.API.GET("/users/autocomplete", rest.Anyone, s.autocomplete)
	r.API.POST("/users/register", rest.Anyone, s.register)
	r.API.POST("/users/ask-send-verify-email", rest.Anyone, s.askSendVerifyEmail)
	r.API.POST("/users/:id/verify-email", rest.Anyone, s.verifyEmail)
	r.API.POST("/users/ask-reset-password", rest.Anyone, s.askResetPassword)
	r.API.POST("/users/:id/reset-password", rest.Anyone, s.resetPassword)
	r.API.POST("/users/:id/two-factor/request", rest.Owner, s.requestTwoFactor)
	r.API.POST("/users/:id/two-factor/confirm-request", rest.Owner, s.confirmTwoFactor)
	r.API.POST("/users/:id/two-factor/disable", rest.Owner, s.disableTwoFactor)
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
	lists := []SpecialPlaylist{}
	if a := out[0].Account; a != nil {
		special, err := s.SpecialPlaylists(c.Request().Context(), a.ID)
		if err != nil {
			return err
		}
		lists = append(lists, special...) // never null
	}
	out[0].SpecialPlaylists = &lists
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
	NSFWFlagsDisplayed        input.Optional[int]      `json:"nsfwFlagsDisplayed"`
	NSFWFlagsHidden           input.Optional[int]      `json:"nsfwFlagsHidden"`
	NSFWFlagsWarned           input.Optional[int]      `json:"nsfwFlagsWarned"`
	NSFWFlagsBlurred          input.Optional[int]      `json:"nsfwFlagsBlurred"`
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
		if err := s.confirm(c.Request().Context(), u, in.CurrentPassword, http.StatusUnauthorized); err != nil {
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
// with those to log in. status is the answer to a wrong one.
func (s *Service) confirm(ctx context.Context, u *User, current string, status int) error {
	if current == "" {
		return rest.Invalid("body", "currentPassword", "currentPassword is missing", nil)
	}
	if many := s.logins.Allow(LoginKey(u.Username)); many != nil {
		return many.Problem()
	}
	ok, err := s.CheckPassword(ctx, u, current)
	if err != nil && !errors.Is(err, ErrTooLong) {
		return err
	}
	if !ok {
		return &rest.Problem{Status: status, Code: "current_password_is_invalid", Detail: "currentPassword is invalid."}
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
	// An address that is to be verified takes the place of the old one only then.
	pending := in.Email.Set && in.Email.Value != u.Email && s.o.Config.Current().Signup.RequiresEmailVerification && s.o.Mail.Enabled()
	switch {
	case pending:
		if err := s.freeEmail(ctx, in.Email.Value); err != nil {
			return err
		}
		columns["pending_email"] = in.Email.Value
	case in.Email.Set:
		columns["pending_email"] = nil
		if in.Email.Value != u.Email {
			columns["email"], columns["email_verified"] = in.Email.Value, nil
		}
	}
	owned, err := s.o.Channels.OfUsers(ctx, u.ID)
	if err != nil {
		return err
	}
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := s.changeTx(tx, u.ID, columns, in.Password.Set); err != nil {
			return err
		}
		if pending {
			to := *u
			to.PendingEmail = &in.Email.Value
			if err := s.sendVerification(tx, &to, true); err != nil {
				return err
			}
		}
		if name == nil && about == nil {
			return nil
		}
		return s.o.Channels.UpdateActor(tx, owned[u.ID].Account.ActorID, name, about)
	})
	if db.IsDuplicate(err) {
		return rest.Conflict(emailExists)
	}
	return err
}

// freeEmail refuses an address that another user has.
func (s *Service) freeEmail(ctx context.Context, email string) error {
	_, err := s.find(ctx, "email = ?", email)
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err == nil {
		return rest.Conflict(emailExists)
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
	in.applyFlags(check, s)
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

// applyFlags checks and sets what is done with each mark of a video; one mark
// is in one of them at most.
func (in *updateMeBody) applyFlags(check *rest.Checker, s *Settings) {
	seen := 0
	for _, f := range []struct {
		from input.Optional[int]
		to   *int
		name string
	}{
		{in.NSFWFlagsDisplayed, &s.NSFWFlagsDisplayed, "nsfwFlagsDisplayed"},
		{in.NSFWFlagsHidden, &s.NSFWFlagsHidden, "nsfwFlagsHidden"},
		{in.NSFWFlagsWarned, &s.NSFWFlagsWarned, "nsfwFlagsWarned"},
		{in.NSFWFlagsBlurred, &s.NSFWFlagsBlurred, "nsfwFlagsBlurred"},
	} {
		if f.from.Set {
			*f.to = f.from.Value
		}
		if f.from.Null || *f.to < 0 || *f.to > maxNSFWFlags || *f.to&seen != 0 {
			check.Refuse("body", f.name, "Should be a sum of 1 and 2, each in one of the fields only", nil)
		}
		seen |= *f.to
	}
}

// features are the news that clients tell users of, each once.
const features = 1

// readFeature notes that the user closed a piece of news.
func (s *Service) readFeature(c echo.Context) error {
	var in struct {
		Feature int `json:"feature"`
	}
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	if in.Feature < 1 || in.Feature > features {
		return rest.Invalid("body", "feature", "Should be the number of a feature", in.Feature)
	}
	ctx := c.Request().Context()
	err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		return tx.Exec("UPDATE users SET features_read = features_read | ? WHERE id = ?", in.Feature, rest.Current(ctx).UserID).Error
	})
	if err != nil {
		return err
	}
	return rest.NoContent(c)
}

// autocomplete proposes user names, which everybody sees on pages of accounts.
func (s *Service) autocomplete(c echo.Context) error {
	search := input.Line(c.QueryParam("search"))
	if search == "" {
		return rest.Invalid("query", "search", "Should be the beginning of a user name", nil)
	}
	names, err := s.Autocomplete(c.Request().Context(), search)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, names)
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
