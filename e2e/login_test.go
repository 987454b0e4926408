package e2e

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/accounts/mail/mailtest"
	"github.com/kinemesh/kinemesh/e2e/rig"
)

// send writes into the fields of the page's form and sends it.
func send(ctx context.Context, t *testing.T, page *rig.Page, fields map[string]string) {
	t.Helper()
	script := "window.sent = true\n"
	for id, value := range fields {
		script += fmt.Sprintf("document.getElementById(%q).value = %q\n", id, value)
	}
	if err := page.Eval(ctx, script+"document.querySelector('main form button.p').click()", nil); err != nil {
		t.Fatal(err)
	}
}

// shows waits until the page after a form says something.
func shows(ctx context.Context, t *testing.T, page *rig.Page, text string) {
	t.Helper()
	eventually(ctx, t, 30*time.Second, "the page says "+text, func(ctx context.Context) (bool, error) {
		var body string
		err := page.Eval(ctx, "window.sent ? '' : document.body.innerText", &body)
		return strings.Contains(body, text), err
	})
}

// A person registers, verifies the address, forgets the password and sets a new
// one, with a browser and a mailbox, on both databases.
func TestAccountByMail(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			ctx := slow(t, 3*time.Minute)
			mails := mailtest.New(t, mailtest.Options{})
			i := startOn(ctx, t, e, map[string]any{
				"smtp.hostname": "127.0.0.1", "smtp.port": mails.Port, "smtp.tls": false,
				"signup.enabled": true, "signup.requires_approval": false, "signup.requires_email_verification": true,
			})
			page, err := startBrowser(ctx, t).Open(ctx, i.Origin+"/signup", rig.PageOptions{Width: 1440, Height: 900})
			if err != nil {
				t.Fatal(err)
			}
			send(ctx, t, page, map[string]string{"username": "nora", "displayName": "Nora N", "email": "nora@example.com", "password": rig.Password})
			shows(ctx, t, page, "Your account is ready.")
			login := func(password, want string) {
				t.Helper()
				if err := page.Goto(ctx, i.Origin+"/login"); err != nil {
					t.Fatal(err)
				}
				send(ctx, t, page, map[string]string{"username": "nora@example.com", "password": password})
				shows(ctx, t, page, want)
			}
			open := func(m mailtest.Mail) {
				t.Helper()
				link := m.Link(i.Origin)
				if u, err := url.Parse(link); err != nil || u.Query().Get("verificationString") == "" || m.To != "nora@example.com" {
					t.Fatalf("mail to %s: %s", m.To, m.Text)
				}
				if err := page.Goto(ctx, link); err != nil {
					t.Fatal(err)
				}
			}
			login(rig.Password, "is not verified yet")
			open(mails.Wait(1))
			send(ctx, t, page, nil)
			shows(ctx, t, page, "Your address is verified.")

			if err := page.Goto(ctx, i.Origin+"/reset-password"); err != nil {
				t.Fatal(err)
			}
			send(ctx, t, page, map[string]string{"email": "nora@example.com"})
			shows(ctx, t, page, "If there is an account")
			open(mails.Wait(2))
			send(ctx, t, page, map[string]string{"password": "a new password"})
			shows(ctx, t, page, "Your password is set.")
			login(rig.Password, "is wrong")
			login("a new password", "Kinemesh")
			var name string
			if err := page.Eval(ctx, `fetch('/api/v1/users/me').then(r => r.json()).then(u => u.username + ' ' + u.emailVerified)`, &name); err != nil || name != "nora true" {
				t.Errorf("signed in as %q, %v", name, err)
			}
			for _, e := range page.Errors() {
				if !strings.Contains(e, "status of 400") { // the refused logins
					t.Errorf("error in the page: %s", e)
				}
			}
		})
	}
}
