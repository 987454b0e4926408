// Package mail sends what the server writes to people. A mail is a row and a
// job in the transaction of what caused it, so that none is sent for what was
// rolled back and none is lost by a crash; the job hands it to the mail server
// of the settings.
//
// Invariants
//   - each recipient gets a mail of their own and sees no other's address
//   - rows are sealed and removed once sent: mails hold links that let in
//   - links are built from the configured origin alone (SEC-42)
//   - nobody's text becomes a header but the subject, which is one line
//
// Specifications: RFC 5321, 5322, 3834 (Auto-Submitted), 3207 (STARTTLS).
// Imported by: accounts, accounts/user, accounts/registration. Imports no
// sibling but seal.
package mail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/accounts/seal"
	"github.com/kinemesh/kinemesh/activitypub/text"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// keepFor is how long a mail that could not be sent can be sent again from the
// dashboard of jobs.
const keepFor = 7 * 24 * time.Hour

// Options are what a Service needs.
type Options struct {
	DB     *db.DB
	Config *config.Config
}

// Service is safe for concurrent use.
type Service struct {
	o   Options
	box *seal.Box
}

// New returns a Service.
func New(o Options) *Service {
	return &Service{o, seal.New(string(o.Config.Secrets.PeerTube), "mail")}
}

// Message is a mail to send. Signature and prefix of the subject are added.
type Message struct {
	To      []string // each gets a mail of their own
	ReplyTo string   // none when empty
	Subject string
	Text    string
	HTML    string // none when empty; the caller has escaped what is not its own
}

// stored is what a row holds sealed.
type stored struct {
	ID, To, ReplyTo, Subject, Text, HTML string
}

// row is a row of mails.
type row struct {
	ID        int64
	Content   string
	CreatedAt time.Time
}

func (row) TableName() string { return "mails" }

// Enabled tells whether there is a way to send mails.
func (s *Service) Enabled() bool { return s.o.Config.SMTP.Enabled() }

// Link is the address of a page of this server, for texts of mails. path begins
// with a slash.
func (s *Service) Link(path string) string { return s.o.Config.Origin() + path }

// Send has m sent once tx is committed. Without a mail server it does nothing.
func (s *Service) Send(tx *db.Tx, m Message) error {
	if !s.Enabled() {
		return nil
	}
	for _, to := range m.To {
		id, _, err := seal.Token()
		if err != nil {
			return err
		}
		raw, err := json.Marshal(stored{id[:32] + "@" + s.o.Config.Webserver.Hostname, to, m.ReplyTo, m.Subject, m.Text, m.HTML})
		if err != nil {
			return fmt.Errorf("mail: %w", err)
		}
		r := row{Content: s.box.Seal(raw, ""), CreatedAt: db.Now()}
		if err := tx.Create(&r).Error; err != nil {
			return fmt.Errorf("mail: %w", err)
		}
		if err := jobs.Insert(tx, sendArgs{r.ID}); err != nil {
			return err
		}
	}
	return nil
}

// sendArgs names a mail to send.
type sendArgs struct {
	Mail int64 `json:"mail"`
}

// Kind implements jobs.Args.
func (sendArgs) Kind() string { return "accounts.mail" }

// cleanArgs removes mails that were given up.
type cleanArgs struct{}

// Kind implements jobs.Args.
func (cleanArgs) Kind() string { return "accounts.clean_mails" }

// Attempts to send: 12 within a day, since mail servers are away for hours.
const (
	attempts = 12
	onePause = 4 * time.Minute // times the square of the attempt, so 20 hours in all
)

// Jobs are the handlers of the package.
func (s *Service) Jobs() []jobs.Handler {
	return []jobs.Handler{
		jobs.Handle(s.send, jobs.As("email"), jobs.Attempts(attempts), jobs.Timeout(2*time.Minute),
			jobs.Backoff(func(n int) time.Duration { return time.Duration(n*n) * onePause })),
		jobs.Handle(s.clean),
	}
}

// Periodic are the jobs that run by the clock.
func (s *Service) Periodic() []jobs.Periodic {
	return []jobs.Periodic{{Name: "accounts.clean_mails", Every: 24 * time.Hour, Args: cleanArgs{}}}
}

// send hands one mail over and removes it. When the process dies in between it
// is sent twice, with the same Message-ID.
func (s *Service) send(ctx context.Context, a sendArgs) error {
	var r row
	err := s.o.DB.Read(ctx).Where("id = ?", a.Mail).Take(&r).Error
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("mail %d: %w", a.Mail, err)
	}
	raw, err := s.box.Open(r.Content, "")
	if err != nil { // the server's secret was changed
		return jobs.Discard(fmt.Errorf("mail %d: %w", a.Mail, err))
	}
	var m stored
	if err := json.Unmarshal(raw, &m); err != nil {
		return jobs.Discard(fmt.Errorf("mail %d: %w", a.Mail, err))
	}
	if err := deliver(ctx, s.o.Config.Current(), m); err != nil {
		return fmt.Errorf("mail %d: %w", a.Mail, err)
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := tx.Where("id = ?", r.ID).Delete(&row{}).Error; err != nil {
			return fmt.Errorf("mail %d: %w", r.ID, err)
		}
		return jobs.Done(ctx, tx)
	})
}

func (s *Service) clean(ctx context.Context, _ cleanArgs) error {
	err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		return tx.Where("created_at < ?", db.Now().Add(-keepFor)).Delete(&row{}).Error
	})
	if err != nil {
		return fmt.Errorf("clean mails: %w", err)
	}
	return nil
}

// named puts the name of the instance into a text of the settings.
func named(cfg *config.Config, s string) string {
	return strings.ReplaceAll(s, "{{instanceName}}", cfg.Instance.Name)
}

// subjectOf is the subject line of a mail.
func subjectOf(cfg *config.Config, subject string) string {
	return text.Line(named(cfg, cfg.Email.Subject.Prefix) + " " + subject)
}
