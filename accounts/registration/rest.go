package registration

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

const (
	notFound  = "Registration not found"
	taken     = "Registration with this username, channel name or email already exists."
	processed = "This registration is already accepted or rejected."

	// of reasons and answers, in characters
	minText = 2
	maxText = 3000
)

// Routes registers the routes of registrations.
func (s *Service) Routes(r *rest.Router) {
	r.API.POST("/users/registrations/request", rest.Anyone, s.request)
	r.API.POST("/users/registrations/ask-send-verify-email", rest.Anyone, s.askSendVerifyEmail)
	r.API.POST("/users/registrations/:registrationId/verify-email", rest.Anyone, s.verifyEmail)
	r.API.POST("/users/registrations/:registrationId/accept", rest.Moderator, s.accept)
	r.API.POST("/users/registrations/:registrationId/reject", rest.Moderator, s.reject)
	r.API.DELETE("/users/registrations/:registrationId", rest.Moderator, s.remove)
	r.API.GET("/users/registrations", rest.Moderator, s.list)
}

type apiState struct {
	ID    State  `json:"id"`
	Label string `json:"label"`
}

type apiUser struct {
	ID int64 `json:"id"`
}

// apiRegistration is a registration in the API, as moderators and, of its own,
// the applicant see it.
type apiRegistration struct {
	ID                 int64        `json:"id"`
	State              apiState     `json:"state"`
	RegistrationReason string       `json:"registrationReason"`
	ModerationResponse *string      `json:"moderationResponse"`
	Username           string       `json:"username"`
	Email              string       `json:"email"`
	EmailVerified      *bool        `json:"emailVerified"`
	AccountDisplayName string       `json:"accountDisplayName"`
	ChannelHandle      *string      `json:"channelHandle"`
	ChannelDisplayName *string      `json:"channelDisplayName"`
	CreatedAt          channel.Time `json:"createdAt"`
	UpdatedAt          channel.Time `json:"updatedAt"`
	User               *apiUser     `json:"user"`
}

func toAPI(r *Registration) apiRegistration {
	a := apiRegistration{
		ID: r.ID, State: apiState{r.State, r.State.Label()}, RegistrationReason: r.Reason, ModerationResponse: r.ModerationResponse,
		Username: r.Username, Email: r.Email, EmailVerified: r.EmailVerified, AccountDisplayName: r.AccountDisplayName,
		CreatedAt: channel.Time(r.CreatedAt), UpdatedAt: channel.Time(r.UpdatedAt),
	}
	if r.ChannelHandle != "" {
		a.ChannelHandle, a.ChannelDisplayName = &r.ChannelHandle, &r.ChannelDisplayName
	}
	if r.UserID != nil {
		a.User = &apiUser{*r.UserID}
	}
	return a
}

// checkText cleans and checks a reason or an answer.
func checkText(check *rest.Checker, name, s string) string {
	clean := input.Text(s)
	if n := utf8.RuneCountInString(clean); n < minText || n > maxText {
		check.Refuse("body", name, fmt.Sprintf("Should be %d to %d characters", minText, maxText), s)
	}
	return clean
}

func (s *Service) request(c echo.Context) error {
	if err := s.o.Users.MayRegister(c, true); err != nil {
		return err
	}
	var in struct {
		user.Signup

		RegistrationReason string `json:"registrationReason"`
	}
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	r, err := s.Ask(c, &in.Signup, in.RegistrationReason)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, toAPI(r))
}

// Ask keeps what a visitor registers with, who may by
// user.Service.MayRegister. Refusals are a *rest.Problem.
func (s *Service) Ask(c echo.Context, in *user.Signup, reason string) (r *Registration, err error) {
	var check rest.Checker
	reason = checkText(&check, "registrationReason", reason)
	if err := check.Err(); err != nil {
		return nil, err
	}
	n, err := s.o.Users.NewUser(in)
	if err != nil {
		return nil, err
	}
	err = s.o.Users.CountSignup(c, func() (err error) {
		r, err = s.Request(c.Request().Context(), n, reason)
		return err
	})
	if errors.Is(err, ErrTaken) {
		return nil, rest.Conflict(taken)
	}
	return r, user.CreateProblem(err, n.ChannelName)
}

// target is the registration that a route names.
func (s *Service) target(c echo.Context) (*Registration, error) {
	id, err := rest.ParamID(c, "registrationId", notFound)
	if err != nil {
		return nil, err
	}
	r, err := s.ByID(c.Request().Context(), id)
	if errors.Is(err, db.ErrNotFound) {
		return nil, rest.NotFound(notFound)
	}
	return r, err
}

func (s *Service) askSendVerifyEmail(c echo.Context) error {
	email, err := s.o.Users.AskedAddress(c)
	if err != nil {
		return err
	}
	if err := s.SendVerification(c.Request().Context(), email); err != nil {
		return err
	}
	return rest.NoContent(c)
}

func (s *Service) verifyEmail(c echo.Context) error {
	r, err := s.target(c)
	if err != nil {
		return err
	}
	var in struct {
		VerificationString string `json:"verificationString"`
	}
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	if in.VerificationString == "" {
		return rest.Invalid("body", "verificationString", "Should have a verification string", nil)
	}
	if err := s.VerifyEmail(c.Request().Context(), r.ID, in.VerificationString); err != nil {
		return user.SecretProblem(err)
	}
	return rest.NoContent(c)
}

// decision reads what a moderator says to a registration.
func (s *Service) decision(c echo.Context) (r *Registration, d Decision, err error) {
	if r, err = s.target(c); err != nil {
		return nil, d, err
	}
	var in struct {
		ModerationResponse   string `json:"moderationResponse"`
		PreventEmailDelivery bool   `json:"preventEmailDelivery"`
	}
	if err := input.JSON(c, &in); err != nil {
		return nil, d, err
	}
	var check rest.Checker
	d = Decision{Response: checkText(&check, "moderationResponse", in.ModerationResponse), Silent: in.PreventEmailDelivery}
	return r, d, check.Err()
}

func (s *Service) accept(c echo.Context) error {
	r, d, err := s.decision(c)
	if err != nil {
		return err
	}
	_, err = s.Accept(c.Request().Context(), r, d)
	return s.decided(c, user.CreateProblem(err, r.ChannelHandle))
}

func (s *Service) reject(c echo.Context) error {
	r, d, err := s.decision(c)
	if err != nil {
		return err
	}
	return s.decided(c, s.Reject(c.Request().Context(), r, d))
}

func (s *Service) decided(c echo.Context, err error) error {
	if errors.Is(err, ErrProcessed) {
		return rest.Conflict(processed)
	}
	if err != nil {
		return err
	}
	return rest.NoContent(c)
}

func (s *Service) remove(c echo.Context) error {
	r, err := s.target(c)
	if err != nil {
		return err
	}
	if err := s.Delete(c.Request().Context(), r); err != nil {
		return err
	}
	return rest.NoContent(c)
}

func (s *Service) list(c echo.Context) error {
	page, err := rest.ParsePage(c, "-createdAt", "createdAt", "state")
	if err != nil {
		return err
	}
	var check rest.Checker
	f := Filter{Search: c.QueryParam("search")}
	for _, text := range rest.QueryValues(c, "stateOneOf") {
		n, err := strconv.Atoi(text)
		if err != nil || State(n).Label() == "" {
			check.Refuse("query", "stateOneOf", "Should be 1, 2 or 3", text)
		}
		f.States = append(f.States, State(n))
	}
	if err := check.Err(); err != nil {
		return err
	}
	rows, total, err := s.List(c.Request().Context(), f, page)
	if err != nil {
		return err
	}
	data := make([]apiRegistration, len(rows))
	for i := range rows {
		data[i] = toAPI(&rows[i])
	}
	return c.JSON(http.StatusOK, rest.NewList(total, data))
}
