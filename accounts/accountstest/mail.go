package accountstest

import (
	"net/url"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/accounts/mail/mailtest"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
)

// NewWithMail is [New] with a mail server that gets what the module sends.
func NewWithMail(t testing.TB, d *db.DB, change ...func(*config.Config)) (*Env, *mailtest.Server) {
	t.Helper()
	server := mailtest.New(t, mailtest.Options{})
	e := New(t, d, append(change, server.Use, func(c *config.Config) { c.RatesLimit.AskSendEmail.Max = 1000 })...)
	jobstest.Run(t, d, e.Module().Jobs...)
	return e, server
}

// Secret reads what the link of a mail holds: the page, and the parameters for
// it. Links lead to our own origin (SEC-42), else the test fails.
func Secret(t testing.TB, m mailtest.Mail) (page string, params url.Values) {
	t.Helper()
	link, err := url.Parse(m.Link("http"))
	if err != nil || link.Host != Host || link.Scheme != "https" {
		t.Fatalf("mail %q leads to %v, %v, want https://%s: %s", m.Subject(), link, err, Host, m.Text)
	}
	if !strings.Contains(m.HTML, `href="`+strings.ReplaceAll(link.String(), "&", "&amp;")+`"`) {
		t.Errorf("the HTML of %q lacks its link: %s", m.Subject(), m.HTML)
	}
	return link.Path, link.Query()
}
