package web_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/accounts/mail/mailtest"
	"github.com/kinemesh/kinemesh/accounts/registration"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
)

// here is a browser on one of our pages.
var here = []string{"Sec-Fetch-Site", "same-origin"}

// mailedTube is a site whose mails arrive.
func mailedTube(t *testing.T, change ...func(*config.Config)) (*tube, *mailtest.Server) {
	t.Helper()
	mails := mailtest.New(t, mailtest.Options{})
	x := newTube(t, append(change, mails.Use)...)
	jobstest.Run(t, x.DB, x.Module().Jobs...)
	return x, mails
}

// open follows the link of a mail and returns the hidden fields of the page.
func (x *tube) open(m mailtest.Mail) (path string, form url.Values) {
	x.t.Helper()
	path, form = accountstest.Secret(x.t, m)
	w := x.get(path+"?"+form.Encode(), "")
	wants(x.t, w, 200, `value="`+form.Get("verificationString")+`"`)
	if policy := w.Header().Get("Referrer-Policy"); policy != "strict-origin-when-cross-origin" || w.Header().Get("Cache-Control") != "no-store" {
		x.t.Errorf("the page of a secret is kept or told on: %q, %q", policy, w.Header().Get("Cache-Control"))
	}
	return path, form
}

// TestForgotPassword goes from the login page to a new password without a line
// of JavaScript.
func TestForgotPassword(t *testing.T) {
	x, mails := mailedTube(t)
	wants(t, x.get("/login", ""), 200, `href="/reset-password"`)
	wants(t, x.get("/reset-password", ""), 200, "Send the mail")
	if w := x.post("/reset-password", url.Values{"email": {"mara@example.com"}}, "Sec-Fetch-Site", "cross-site"); w.Code != 403 {
		t.Errorf("another site sends the form: %d", w.Code)
	}
	wants(t, x.post("/reset-password", url.Values{"email": {"no address"}}, here...), 400, "E-mail address: should be")
	for _, email := range []string{"nobody@example.com", "mara@example.com"} {
		wants(t, x.post("/reset-password", url.Values{"email": {email}}, here...), 200, "If there is an account")
	}
	session := x.signIn("mara")
	path, form := x.open(mails.Wait(1))
	form.Set("password", "short")
	wants(t, x.post(path, form, here...), 400, "Password: should be", form.Get("verificationString"))
	form.Set("password", "another password")
	wants(t, x.post(path, form, here...), 200, "Your password is set.")
	wants(t, x.post(path, form, here...), 403, "Invalid verification string.")
	lacks(t, x.get("/", session), "Log out")
	wants(t, x.post("/login", url.Values{"username": {"mara"}, "password": {"another password"}}, here...), 303)
	form.Set("userId", "x")
	wants(t, x.post(path, form, here...), 403)

	off := newTube(t)
	wants(t, off.get("/reset-password", ""), 200, "sends no mails")
}

// TestSignupPage registers, verifies the address and signs in.
func TestSignupPage(t *testing.T) {
	x, mails := mailedTube(t, func(c *config.Config) {
		c.Signup.Enabled, c.Signup.RequiresApproval, c.Signup.RequiresEmailVerification = true, false, true
	})
	page := x.get("/signup", "")
	wants(t, page, 200, "Create the account", "at least 16 years")
	lacks(t, page, "registrationReason")
	form := url.Values{"username": {"Nora!"}, "email": {"nora@example.com"}, "password": {accountstest.Password}, "displayName": {`Nora "N" <b>`}}
	wants(t, x.post("/signup", form, here...), 400, "User name: should be", `value="Nora &#34;N&#34; &lt;b&gt;"`)
	lacks(t, x.post("/signup", form, here...), accountstest.Password)
	form.Set("username", "mara")
	wants(t, x.post("/signup", form, here...), 409, "already exists")
	form.Set("username", "nora")
	if w := x.post("/signup", form); w.Code != 403 {
		t.Errorf("a form from nowhere: %d", w.Code)
	}
	wants(t, x.post("/signup", form, here...), 200, "Your account is ready.", "open the link")
	login := url.Values{"username": {"nora"}, "password": {accountstest.Password}}
	wants(t, x.post("/login", login, here...), 400, "not verified yet")
	path, params := x.open(mails.Wait(1)) // which only looks
	wants(t, x.post("/login", login, here...), 400, "not verified yet")
	wants(t, x.post(path, params, here...), 200, "Your address is verified.")
	wants(t, x.post("/login", login, here...), 303)

	closed := newTube(t)
	wants(t, closed.get("/signup", ""), 403, "not open")
	wants(t, closed.post("/signup", form, here...), 403, "not enabled")
}

// TestSignupPageWithApproval asks for an account.
func TestSignupPageWithApproval(t *testing.T) {
	x, mails := mailedTube(t, func(c *config.Config) {
		c.Signup.Enabled, c.Signup.RequiresApproval, c.Signup.RequiresEmailVerification = true, true, true
	})
	wants(t, x.get("/signup", ""), 200, "Ask for an account", `name="registrationReason"`)
	form := url.Values{"username": {"nora"}, "email": {"nora@example.com"}, "password": {accountstest.Password}}
	wants(t, x.post("/signup", form, here...), 400, "Why: should be")
	form.Set("registrationReason", "I film birds")
	wants(t, x.post("/signup", form, here...), 200, "A moderator decides")
	login := url.Values{"username": {"nora"}, "password": {accountstest.Password}}
	wants(t, x.post("/login", login, here...), 400, "has not decided")
	path, params := x.open(mails.Wait(1))
	wants(t, x.post(path, params, here...), 200, "Your address is verified.", "moderator")
	r, err := x.Registrations.ByID(t.Context(), 1)
	if err != nil || r.EmailVerified == nil || !*r.EmailVerified || r.Reason != "I film birds" {
		t.Errorf("registration %+v, %v", r, err)
	}
	if err := x.Registrations.Reject(t.Context(), r, registration.Decision{Response: "no"}); err != nil {
		t.Fatal(err)
	}
	wants(t, x.post("/login", login, here...), 400, "was rejected")
}

// TestLoginPageSecondFactor asks for the code once the password is right.
func TestLoginPageSecondFactor(t *testing.T) {
	x := newTube(t)
	r, err := x.Users.RequestTwoFactor(t.Context(), x.owner)
	if err != nil {
		t.Fatal(err)
	}
	code := func(steps int) string {
		c, err := totp.GenerateCode(r.Secret, time.Now().Add(time.Duration(steps*30)*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if err := x.Users.ConfirmTwoFactor(t.Context(), x.owner.ID, r.RequestToken, code(0)); err != nil {
		t.Fatal(err)
	}
	login := func(password, code string) url.Values {
		return url.Values{"username": {"mara"}, "password": {password}, "code": {code}}
	}
	lacks(t, x.get("/login", ""), `name="code"`)
	lacks(t, x.post("/login", login("wrong password", ""), here...), `name="code"`) // nobody learns of it
	wants(t, x.post("/login", login(accountstest.Password, ""), here...), 401, `name="code"`, "enter your password again")
	wants(t, x.post("/login", login(accountstest.Password, "000000"), here...), 400, `name="code"`, "code is wrong")
	w := x.post("/login", login(accountstest.Password, code(1)), here...)
	wants(t, w, 303)
	if !strings.Contains(w.Header().Get("Set-Cookie"), "kinemesh_session") {
		t.Errorf("cookies %v", w.Header())
	}
}
