package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/web/rest"
)

// FormPage asks for something by one form, or says what became of it.
type FormPage struct {
	Shell
	Title, Text string
	Error, Done string
	Action      string // path that the form is sent to
	Button      string // none: there is nothing to send
	Hidden      []Option
	Fields      []FormField
	Link        *Option // a way on
}

// FormField is an input of a form.
type FormField struct {
	Name, Label, Type, Value, Autocomplete, Hint string
	Max                                          int
	Lines, Optional                              bool
}

// accountRoutes registers the pages of people who cannot sign in yet: those
// that links of mails lead to, and registration.
func (s *Site) accountRoutes(r *rest.Router) {
	for path, page := range map[string]struct{ show, send echo.HandlerFunc }{
		resetPath:  {s.resetPassword, s.postResetPassword},
		verifyPath: {s.verifyEmail, s.postVerifyEmail},
		signupPath: {s.signup, s.postSignup},
	} {
		r.Root.GET(path, rest.Anyone, page.show)
		r.Root.POST(path, rest.Anyone, func(c echo.Context) error {
			if !s.ourOrigin(c.Request()) {
				return rest.Forbidden("The form of this server must be used")
			}
			return page.send(c)
		})
	}
}

const (
	resetPath  = "/reset-password"
	verifyPath = "/verify-account/email"
	signupPath = "/signup"

	secretParam = "verificationString"
	maxSecret   = 200
)

func (s *Site) form(c echo.Context, status int, v *FormPage) error {
	v.Shell, v.Robots = s.shell(c), "noindex"
	v.Action = c.Request().URL.Path
	c.Response().Header().Set("Cache-Control", "no-store")
	return s.pages.render(c.Response(), status, PolicyPage, "form.html", v)
}

// answer writes the page with what was wrong, or, when nothing was, with what
// is done.
func (s *Site) answer(c echo.Context, v *FormPage, err error, done string, link *Option) error {
	if err == nil {
		return s.form(c, http.StatusOK, &FormPage{Title: v.Title, Done: done, Link: link})
	}
	p, ok := errors.AsType[*rest.Problem](err)
	if !ok {
		return err
	}
	v.Error = sentence(p)
	for name, value := range p.Header {
		c.Response().Header().Set(name, value)
	}
	return s.form(c, p.Status, v)
}

// sentence says to people what is wrong with a form.
func sentence(p *rest.Problem) string {
	if len(p.Invalid) == 0 {
		return p.Detail
	}
	names := map[string]string{
		"email": "E-mail address", "password": "Password", "username": "User name", "displayName": "Name",
		"channelName": "Channel", "channelDisplayName": "Name of the channel", "registrationReason": "Why",
	}
	var lines []string
	for key, in := range p.Invalid {
		name := names[key]
		if name == "" {
			name = key
		}
		lines = append(lines, name+": "+strings.ToLower(in.Msg[:1])+in.Msg[1:]+".")
	}
	slices.Sort(lines)
	return strings.Join(lines, " ")
}

func hidden(c echo.Context, names ...string) (out []Option) {
	for _, n := range names {
		if v := c.FormValue(n); v != "" && len(v) <= maxSecret {
			out = append(out, Option{Label: n, Value: v})
		}
	}
	return out
}

func emailField(value string) FormField {
	return FormField{Name: "email", Label: "E-mail", Type: "email", Value: value, Autocomplete: "email", Max: 400}
}

func (s *Site) passwordField() FormField {
	low := strconv.Itoa(s.o.Config.Current().User.PasswordConstraints.MinLength)
	return FormField{
		Name: "password", Label: "New password", Type: "password", Autocomplete: "new-password",
		Hint: "At least " + low + " characters.", Max: user.MaxPassword,
	}
}

var toLoginPage = &Option{Value: "/login", Label: "Log in"}

// forgotPage asks for the address, resetPage for the new password.
func (s *Site) forgotPage(c echo.Context) *FormPage {
	v := &FormPage{
		Title: "Forgot your password?", Text: "We send you a mail with a link to set a new one.",
		Fields: []FormField{emailField(c.FormValue("email"))}, Button: "Send the mail", Link: toLoginPage,
	}
	if !s.o.Config.SMTP.Enabled() {
		return &FormPage{Title: v.Title, Text: "This server sends no mails. Its administrators can set a new password for you.", Link: toLoginPage}
	}
	return v
}

func (s *Site) resetPage(c echo.Context) *FormPage {
	return &FormPage{
		Title: "Set a new password", Text: "You are signed out everywhere.", Button: "Set the password",
		Hidden: hidden(c, "userId", secretParam), Fields: []FormField{s.passwordField()},
	}
}

func (s *Site) resetPassword(c echo.Context) error {
	if c.QueryParam(secretParam) == "" {
		return s.form(c, http.StatusOK, s.forgotPage(c))
	}
	return s.form(c, http.StatusOK, s.resetPage(c))
}

func (s *Site) postResetPassword(c echo.Context) error {
	if c.FormValue(secretParam) == "" {
		email, err := s.o.Users.MayAsk(c, c.FormValue("email"))
		if err == nil {
			err = s.o.Users.AskReset(c.Request().Context(), email)
		}
		return s.answer(c, s.forgotPage(c), err, "If there is an account with this address, a mail is on its way. Its link is good for one hour.", toLoginPage)
	}
	err := s.o.Users.Reset(c, formID(c, "userId"), c.FormValue(secretParam), c.FormValue("password"))
	return s.answer(c, s.resetPage(c), err, "Your password is set.", toLoginPage)
}

// formID is a number of a form; 0, which nobody has, for anything else.
func formID(c echo.Context, name string) int64 {
	n, err := strconv.ParseInt(c.FormValue(name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// verifyPage has a button, since programs that look at mails open their links.
func (s *Site) verifyPage(c echo.Context) *FormPage {
	return &FormPage{
		Title: "Verify your address", Text: "Press the button to tell us that this e-mail address is yours.", Button: "Verify",
		Hidden: hidden(c, "userId", "registrationId", "isPendingEmail", secretParam),
	}
}

func (s *Site) verifyEmail(c echo.Context) error {
	return s.form(c, http.StatusOK, s.verifyPage(c))
}

func (s *Site) postVerifyEmail(c echo.Context) error {
	ctx, secret := c.Request().Context(), c.FormValue(secretParam)
	if id := formID(c, "registrationId"); id != 0 && s.o.Registrations != nil {
		err := user.SecretProblem(s.o.Registrations.VerifyEmail(ctx, id, secret))
		return s.answer(c, s.verifyPage(c), err, "Your address is verified. A moderator decides about your registration; we will send you a mail.", nil)
	}
	err := s.o.Users.VerifyEmail(ctx, formID(c, "userId"), secret, c.FormValue("isPendingEmail") == "true")
	return s.answer(c, s.verifyPage(c), user.SecretProblem(err), "Your address is verified.", toLoginPage)
}

// signupPage asks for what an account needs, and why where moderators decide.
func (s *Site) signupPage(c echo.Context) *FormPage {
	cfg := s.o.Config.Current()
	v := &FormPage{
		Title: "Create an account", Text: cfg.Instance.ShortDescription, Button: "Create the account", Link: toLoginPage,
		Fields: []FormField{
			{
				Name: "username", Label: "User name", Type: "text", Value: c.FormValue("username"), Autocomplete: "username", Max: input.MaxName,
				Hint: "Small letters, digits, and _ . - within. It cannot be changed.",
			},
			{Name: "displayName", Label: "Name", Type: "text", Value: c.FormValue("displayName"), Autocomplete: "name", Max: input.MaxDisplayName, Optional: true},
			emailField(c.FormValue("email")), s.passwordField(),
		},
	}
	v.Fields[3].Label = "Password"
	if age := cfg.Signup.MinimumAge; age > 0 {
		v.Text = strings.TrimSpace(v.Text + " You must be at least " + strconv.Itoa(age) + " years old.")
	}
	if cfg.Signup.RequiresApproval {
		v.Button = "Ask for an account"
		v.Fields = append(v.Fields, FormField{
			Name: "registrationReason", Label: "Why do you want to join?", Value: c.FormValue("registrationReason"), Max: 3000, Lines: true,
			Hint: "A moderator reads this and decides.",
		})
	}
	return v
}

func (s *Site) signup(c echo.Context) error {
	v := s.signupPage(c)
	approval := s.o.Config.Current().Signup.RequiresApproval
	if err := s.o.Users.MayRegister(c, approval); err != nil {
		p, ok := errors.AsType[*rest.Problem](err)
		if !ok {
			return err
		}
		return s.form(c, p.Status, &FormPage{Title: v.Title, Error: "Registration is not open: " + p.Detail, Link: toLoginPage})
	}
	return s.form(c, http.StatusOK, v)
}

func (s *Site) postSignup(c echo.Context) error {
	in := &user.Signup{
		Username: c.FormValue("username"), Password: c.FormValue("password"), Email: c.FormValue("email"),
	}
	if name := c.FormValue("displayName"); name != "" { // a form sends its empty fields, too
		in.DisplayName = input.Optional[string]{Set: true, Value: name}
	}
	signup := s.o.Config.Current().Signup
	done, link := "Your account is ready.", toLoginPage
	err := s.o.Users.MayRegister(c, signup.RequiresApproval)
	switch {
	case err != nil:
	case signup.RequiresApproval && s.o.Registrations != nil:
		done, link = "Thank you. A moderator decides about your registration; we will send you a mail.", nil
		_, err = s.o.Registrations.Ask(c, in, c.FormValue("registrationReason"))
	default:
		_, err = s.o.Users.Register(c, in)
	}
	if signup.RequiresEmailVerification {
		done += " Please open the link in the mail that we sent you, to verify your address."
	}
	return s.answer(c, s.signupPage(c), err, done, link)
}
