package instance

import (
	"fmt"
	"html"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/accounts/mail"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Lengths of a message, in letters.
const (
	minMessage = 3
	maxMessage = 5000
	maxSubject = 120
)

// contact mails a visitor's message to the administrator.
func (i *Instance) contact(c echo.Context) error {
	cfg := i.o.Config.Current()
	switch {
	case !cfg.ContactForm.Enabled:
		return rest.Conflict("Contact form is not enabled on this instance.")
	case !i.mail():
		return rest.Conflict("SMTP is not configured on this instance.")
	}
	var in struct{ FromName, FromEmail, Subject, Body string }
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	var check rest.Checker
	name := input.DisplayName(&check, "fromName", in.FromName)
	from := input.Email(&check, "fromEmail", in.FromEmail)
	subject := input.Line(in.Subject)
	if utf8.RuneCountInString(subject) > maxSubject {
		check.Refuse("body", "subject", fmt.Sprintf("Should be a text of at most %d letters", maxSubject), in.Subject)
	}
	if subject == "" {
		subject = "a message of " + name
	}
	body := strings.TrimSpace(input.Text(in.Body))
	if n := utf8.RuneCountInString(body); n < minMessage || n > maxMessage {
		check.Refuse("body", "body", fmt.Sprintf("Should be a text of %d to %d letters", minMessage, maxMessage), in.Body)
	}
	if err := check.Err(); err != nil {
		return err
	}
	key := user.AddressKey(c.RealIP())
	if i.contacts.Allow(key) != nil {
		return &rest.Problem{Status: http.StatusForbidden, Detail: "You already sent a contact form recently."}
	}
	err := i.o.DB.Tx(c.Request().Context(), func(tx *db.Tx) error {
		return i.o.Mail.Send(tx, mail.Message{
			To: []string{cfg.Admin.Email}, ReplyTo: from, Subject: "Contact form: " + subject,
			Text: fmt.Sprintf("%s <%s> wrote by the contact form of %s:\n\n%s\n", name, from, i.o.Config.Origin(), body),
			HTML: fmt.Sprintf("<p>%s &lt;%s&gt; wrote by the contact form of %s:</p><p>%s</p>", html.EscapeString(name), html.EscapeString(from),
				html.EscapeString(i.o.Config.Origin()), strings.ReplaceAll(html.EscapeString(body), "\n", "<br>")),
		})
	})
	if err != nil {
		i.contacts.Undo(key)
		return fmt.Errorf("contact form: %w", err)
	}
	return rest.NoContent(c)
}
