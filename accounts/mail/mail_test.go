package mail_test

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/kinemesh/kinemesh/accounts/mail"
	"github.com/kinemesh/kinemesh/accounts/mail/mailtest"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
)

// service is a mail service whose jobs run.
func service(t *testing.T, d *db.DB, change func(*config.Config)) *mail.Service {
	t.Helper()
	cfg := config.Default()
	cfg.Webserver = config.Webserver{HTTPS: true, Hostname: "kinemesh.test", Port: 443}
	cfg.Secrets.PeerTube = "a secret"
	change(cfg)
	if err := cfg.Complete(); err != nil {
		t.Fatal(err)
	}
	s := mail.New(mail.Options{DB: d, Config: cfg})
	jobstest.Run(t, d, s.Jobs()...)
	return s
}

func send(t *testing.T, d *db.DB, s *mail.Service, m mail.Message) {
	t.Helper()
	if err := d.Tx(t.Context(), func(tx *db.Tx) error { return s.Send(tx, m) }); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, d *db.DB) (n int64) {
	t.Helper()
	if err := d.Read(t.Context()).Table("mails").Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSend(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		server := mailtest.New(t, mailtest.Options{})
		s := service(t, d, server.Use)
		if !s.Enabled() {
			t.Fatal("mail is off although there is a server")
		}
		undone := errors.New("undone")
		if err := d.Tx(t.Context(), func(tx *db.Tx) error {
			return errors.Join(s.Send(tx, mail.Message{To: []string{"never@example.com"}, Subject: "Never", Text: "Never"}), undone)
		}); !errors.Is(err, undone) {
			t.Fatal(err)
		}
		letter := mail.Letter{
			Subject: "Żółw & co\r\nBcc: eve@example.com", Paragraphs: []string{"Hello <b>Alice</b>,", "what a day. Ünïcode."},
			Action: "Open it", URL: s.Link("/w/1?a=b&c=d"),
		}.Unexpected()
		m := letter.Message("alice@example.com", "bob@example.com")
		m.ReplyTo = "carol@example.com"
		send(t, d, s, m)
		server.Wait(2)
		jobstest.Drain(t, d)
		to := map[string]mailtest.Mail{}
		for _, got := range server.Mails() {
			to[got.To] = got
		}
		if len(server.Mails()) != 2 || len(to) != 2 {
			t.Fatalf("%d mails to %v, want one for each and none of what was rolled back", len(server.Mails()), to)
		}
		got := to["alice@example.com"]
		if got.Subject() != "[Kinemesh] Żółw & co Bcc: eve@example.com" || got.Header.Get("Bcc") != "" {
			t.Errorf("subject %q, Bcc %q", got.Subject(), got.Header.Get("Bcc"))
		}
		for name, want := range map[string]string{
			"From": `"Kinemesh" <admin@kinemesh.test>`, "To": "<alice@example.com>", "Reply-To": "<carol@example.com>", "Auto-Submitted": "auto-generated",
		} {
			if got.Header.Get(name) != want {
				t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
			}
		}
		if id := got.Header.Get("Message-Id"); !strings.HasSuffix(id, "@kinemesh.test>") || id == to["bob@example.com"].Header.Get("Message-Id") {
			t.Errorf("Message-ID %q", id)
		}
		if want := "Hello <b>Alice</b>,\n\nwhat a day. Ünïcode.\n\nOpen it:\nhttps://kinemesh.test/w/1?a=b&c=d\n\nIf you did"; !strings.HasPrefix(got.Text, want) || !strings.HasSuffix(strings.TrimSpace(got.Text), "-- \nKinemesh") {
			t.Errorf("text %q", got.Text)
		}
		if !strings.Contains(got.HTML, `href="https://kinemesh.test/w/1?a=b&amp;c=d"`) || strings.Contains(got.HTML, "<b>Alice") || !strings.Contains(got.HTML, "Hello &lt;b&gt;Alice") {
			t.Errorf("HTML %s", got.HTML)
		}
		if n := count(t, d); n != 0 {
			t.Errorf("%d mails are kept after they were sent", n)
		}
	})
}

// TestOff sends nothing without a server.
func TestOff(t *testing.T) {
	d := dbtest.SQLite(t)
	s := service(t, d, func(*config.Config) {})
	send(t, d, s, mail.Message{To: []string{"alice@example.com"}, Subject: "x", Text: "x"})
	if n := count(t, d); s.Enabled() || n != 0 {
		t.Errorf("enabled %v, %d mails wait", s.Enabled(), n)
	}
}

// TestSealed looks for what a mail says in the database (SEC-53): the list of
// jobs is shown to administrators, and neither they nor who has a copy of the
// database may use others' links.
func TestSealed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		cfg := config.Default()
		cfg.SMTP.Hostname, cfg.Secrets.PeerTube = "mail.test", "a secret"
		if err := cfg.Complete(); err != nil {
			t.Fatal(err)
		}
		s := mail.New(mail.Options{DB: d, Config: cfg})
		send(t, d, s, mail.Message{To: []string{"alice@example.com"}, Subject: "marker", Text: "marker"})
		if n := count(t, d); n != 1 {
			t.Fatalf("%d mails wait", n)
		}
		for _, table := range []string{"mails", "jobs"} {
			var rows []map[string]any
			if err := d.Read(t.Context()).Table(table).Find(&rows).Error; err != nil || len(rows) == 0 {
				t.Fatalf("%s: %d rows, %v", table, len(rows), err)
			}
			for _, secret := range []string{"marker", "alice@"} {
				if strings.Contains(fmt.Sprint(rows), secret) {
					t.Errorf("%s shows %q", table, secret)
				}
			}
		}
	})
}

// TestWays speaks to servers of all kinds.
func TestWays(t *testing.T) {
	https := httptest.NewTLSServer(nil) // for its certificate, which is for 127.0.0.1
	defer https.Close()
	with := &tls.Config{Certificates: https.TLS.Certificates, MinVersion: tls.VersionTLS12}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: https.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		server mailtest.Options
		change func(*config.SMTP)
		tls    bool
		user   string
		err    string // of the job; "" for success
	}{
		{"STARTTLS", mailtest.Options{TLS: with}, func(s *config.SMTP) { s.CAFile = ca }, true, "", ""},
		{"STARTTLS with a password", mailtest.Options{TLS: with, Password: "pw"}, func(s *config.SMTP) { s.CAFile, s.Username, s.Password = ca, "me", "pw" }, true, "me", ""},
		{"TLS with a password", mailtest.Options{TLS: with, Implicit: true, Password: "pw"}, func(s *config.SMTP) { s.TLS, s.CAFile, s.Username, s.Password = true, ca, "me", "pw" }, true, "me", ""},
		{"STARTTLS not wanted", mailtest.Options{TLS: with, Password: "pw"}, func(s *config.SMTP) { s.DisableSTARTTLS, s.Username, s.Password = true, "me", "pw" }, false, "me", ""},
		{"wrong password", mailtest.Options{TLS: with, Password: "pw"}, func(s *config.SMTP) { s.CAFile, s.Username, s.Password = ca, "me", "no" }, false, "", "auth"},
		{"no readable password on the way", mailtest.Options{Password: "pw"}, func(s *config.SMTP) { s.Username, s.Password = "me", "pw" }, false, "", "auth"},
		{"unknown authority", mailtest.Options{TLS: with}, func(*config.SMTP) {}, false, "", "certificate"},
		{"no such authority", mailtest.Options{TLS: with}, func(s *config.SMTP) { s.CAFile = ca + "x" }, false, "", "smtp.ca_file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := dbtest.SQLite(t)
			server := mailtest.New(t, c.server)
			s := service(t, d, func(cfg *config.Config) { server.Use(cfg); c.change(&cfg.SMTP) })
			send(t, d, s, mail.Message{To: []string{"alice@example.com"}, Subject: "x", Text: "x"})
			jobstest.Drain(t, d)
			var job jobs.Job
			if err := d.Read(t.Context()).Take(&job).Error; err != nil {
				t.Fatal(err)
			}
			if c.err != "" {
				if job.State != jobs.Waiting || !strings.Contains(strings.ToLower(job.LastError), c.err) || len(server.Mails()) > 0 {
					t.Errorf("job %s: %q, %d mails, want another attempt because of %q", job.State, job.LastError, len(server.Mails()), c.err)
				}
				return
			}
			got := server.Wait(1)
			if got.TLS != c.tls || got.User != c.user {
				t.Errorf("encrypted %v, user %q, want %v, %q", got.TLS, got.User, c.tls, c.user)
			}
		})
	}
}

// TestRefused tries again what the server refuses for now, and gives up what it
// refuses for good.
func TestRefused(t *testing.T) {
	for code, want := range map[int]string{451: jobs.Waiting, 550: jobs.Dead} {
		d := dbtest.SQLite(t)
		server := mailtest.New(t, mailtest.Options{})
		server.Refuse = func(string) error {
			return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "no"}
		}
		s := service(t, d, server.Use)
		send(t, d, s, mail.Message{To: []string{"alice@example.com"}, Subject: "x", Text: "x"})
		var job jobs.Job
		for job.LastError == "" {
			if err := d.Read(t.Context()).Take(&job).Error; err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Millisecond)
		}
		if job.State != want || count(t, d) != 1 {
			t.Errorf("after %d the job is %s (%s), want %s", code, job.State, job.LastError, want)
		}
	}
}

func TestSendmail(t *testing.T) {
	dir := t.TempDir()
	program, out := filepath.Join(dir, "sendmail"), filepath.Join(dir, "out")
	if err := os.WriteFile(program, []byte("#!/bin/sh\ncat > "+out+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	d := dbtest.SQLite(t)
	s := service(t, d, func(c *config.Config) { c.SMTP.Transport, c.SMTP.Sendmail = "sendmail", program })
	send(t, d, s, mail.Message{To: []string{"alice@example.com"}, Subject: "x", Text: "x"})
	jobstest.Drain(t, d)
	got, err := os.ReadFile(out)
	if err != nil || !strings.Contains(string(got), "To: <alice@example.com>") {
		t.Errorf("sendmail was given %q, %v", got, err)
	}
}
