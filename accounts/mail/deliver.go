package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"html"
	"os"
	"time"

	smtp "github.com/wneessen/go-mail"

	"github.com/kinemesh/kinemesh/activitypub/text"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/jobs"
)

// timeout is for each step of the conversation with the mail server.
const timeout = 20 * time.Second

// deliver hands a mail to the mail server. Errors that no further attempt can
// mend are discarded ones.
func deliver(ctx context.Context, cfg *config.Config, m stored) error {
	msg, err := compose(cfg, m)
	if err != nil {
		return jobs.Discard(err)
	}
	if cfg.SMTP.Transport == "sendmail" {
		if err := msg.WriteToSendmailWithContext(ctx, cfg.SMTP.Sendmail, "-oi", "-t"); err != nil {
			return fmt.Errorf("sendmail: %w", err)
		}
		return nil
	}
	client, err := newClient(cfg)
	if err != nil {
		return err
	}
	err = client.DialAndSendWithContext(ctx, msg)
	if refused, ok := errors.AsType[*smtp.SendError](err); ok && !refused.IsTemp() && refused.ErrorCode() >= 500 {
		return jobs.Discard(fmt.Errorf("mail server %s: %w", cfg.SMTP.Hostname, err))
	}
	if err != nil {
		return fmt.Errorf("mail server %s: %w", cfg.SMTP.Hostname, err)
	}
	return nil
}

// newClient is the client of the mail server. Passwords go over encrypted
// connections only, unless STARTTLS was switched off by hand.
func newClient(cfg *config.Config) (*smtp.Client, error) {
	s := cfg.SMTP
	roots, err := authorities(s.CAFile)
	if err != nil {
		return nil, err
	}
	options := []smtp.Option{
		smtp.WithPort(s.Port), smtp.WithTimeout(timeout), smtp.WithHELO(cfg.Webserver.Hostname), smtp.WithoutNoop(),
		smtp.WithTLSConfig(&tls.Config{ServerName: s.Hostname, RootCAs: roots, MinVersion: tls.VersionTLS12}),
	}
	auth := smtp.SMTPAuthAutoDiscover
	switch {
	case s.TLS:
		options = append(options, smtp.WithSSL())
	case s.DisableSTARTTLS:
		options = append(options, smtp.WithTLSPolicy(smtp.NoTLS))
		auth = smtp.SMTPAuthPlainNoEnc
	default:
		options = append(options, smtp.WithTLSPolicy(smtp.TLSOpportunistic))
	}
	if s.Username != "" {
		options = append(options, smtp.WithSMTPAuth(auth), smtp.WithUsername(s.Username), smtp.WithPassword(string(s.Password)))
	}
	client, err := smtp.NewClient(s.Hostname, options...)
	if err != nil {
		return nil, fmt.Errorf("mail server %s: %w", s.Hostname, err)
	}
	return client, nil
}

// authorities are those of the system and of the file; nil for those of the
// system alone.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file) //nolint:gosec // a path of the settings
	if err != nil {
		return nil, fmt.Errorf("smtp.ca_file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("smtp.ca_file %s: no certificate in it", file)
	}
	return pool, nil
}

// compose writes the mail.
func compose(cfg *config.Config, m stored) (*smtp.Msg, error) {
	msg := smtp.NewMsg()
	if err := msg.FromFormat(text.Line(cfg.Instance.Name), cfg.SMTP.FromAddress); err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	if err := msg.AddTo(m.To); err != nil {
		return nil, fmt.Errorf("to: %w", err)
	}
	if m.ReplyTo != "" {
		if err := msg.ReplyTo(m.ReplyTo); err != nil {
			return nil, fmt.Errorf("reply-to: %w", err)
		}
	}
	msg.Subject(subjectOf(cfg, m.Subject))
	msg.SetMessageIDWithValue(m.ID)
	msg.SetDate()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no answers of machines
	signature := named(cfg, cfg.Email.Body.Signature)
	msg.SetBodyString(smtp.TypeTextPlain, m.Text+"\n\n-- \n"+signature+"\n")
	if m.HTML != "" {
		msg.AddAlternativeString(smtp.TypeTextHTML, page(m.HTML, html.EscapeString(signature)))
	}
	return msg, nil
}
