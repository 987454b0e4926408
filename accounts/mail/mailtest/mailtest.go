// Package mailtest is a mail server for tests: it listens on loopback, speaks
// SMTP and keeps what it is given.
package mailtest

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/kinemesh/kinemesh/config"
)

// Mail is what arrived.
type Mail struct {
	From, To   string // of the envelope
	Header     mail.Header
	Text, HTML string
	TLS        bool   // came over an encrypted connection
	User       string // who was logged in; "" for nobody
}

// Subject is the subject as people read it.
func (m Mail) Subject() string {
	s, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return m.Header.Get("Subject")
	}
	return s
}

// Link is the address in the text that begins with prefix; "" without one.
func (m Mail) Link(prefix string) string {
	i := strings.Index(m.Text, prefix)
	if i < 0 {
		return ""
	}
	link, _, _ := strings.Cut(m.Text[i:], "\n")
	return strings.TrimSpace(link)
}

// Server is a running mail server.
type Server struct {
	Port int

	// Refuse, when set, is asked for each recipient; set it before mails are sent.
	Refuse func(to string) error

	password string
	mu       sync.Mutex
	mails    []Mail // guarded by mu
	t        testing.TB
}

// Options change the server. Zero is one without encryption and logins.
type Options struct {
	TLS      *tls.Config // offered by STARTTLS
	Implicit bool        // the connection begins with TLS
	Password string      // of any user; a login is needed then
}

// New starts a server that ends with the test.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{password: o.Password, t: t}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Port = l.Addr().(*net.TCPAddr).Port
	server := smtp.NewServer(s)
	server.Domain, server.TLSConfig, server.AllowInsecureAuth = "localhost", o.TLS, true
	server.ReadTimeout, server.WriteTimeout, server.EnableSMTPUTF8 = time.Minute, time.Minute, true
	server.ErrorLog = silent{}
	if o.Implicit {
		l = tls.NewListener(l, o.TLS)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Serve(l); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Errorf("mail server: %v", err)
		}
	})
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	})
	return s
}

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

// Use sets the settings of a server that sends its mail here.
func (s *Server) Use(c *config.Config) {
	c.SMTP.Hostname, c.SMTP.Port, c.SMTP.TLS = "127.0.0.1", s.Port, false
}

// Mails are those that arrived, in their order.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// Wait waits for the n-th mail, counted from 1, and returns it.
func (s *Server) Wait(n int) Mail {
	s.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		if mails := s.Mails(); len(mails) >= n {
			return mails[n-1]
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.t.Fatalf("%d mails arrived within a minute, want %d", len(s.Mails()), n)
	return Mail{}
}

// NewSession implements smtp.Backend.
func (s *Server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, encrypted := c.TLSConnectionState()
	return &session{server: s, encrypted: encrypted, conn: c}, nil
}

type session struct {
	server    *Server
	conn      *smtp.Conn
	encrypted bool
	user      string
	from      string
	to        []string
}

var _ smtp.AuthSession = (*session)(nil)

func (s *session) AuthMechanisms() []string {
	if s.server.password == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if password != s.server.password {
			return smtp.ErrAuthFailed
		}
		s.user = username
		return nil
	}), nil
}

func (s *session) Reset()        { s.from, s.to = "", nil }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.server.password != "" && s.user == "" {
		return smtp.ErrAuthRequired
	}
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.server.Refuse != nil {
		if err := s.server.Refuse(to); err != nil {
			return err
		}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	msg, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	m := Mail{From: s.from, To: strings.Join(s.to, ","), Header: msg.Header, User: s.user}
	_, m.TLS = s.conn.TLSConnectionState()
	if err := m.read(msg.Header.Get("Content-Type"), msg.Header.Get("Content-Transfer-Encoding"), msg.Body); err != nil {
		return err
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, m)
	return nil
}

// read takes the parts of a body.
func (m *Mail) read(kind, encoding string, r io.Reader) error {
	media, params, err := mime.ParseMediaType(kind)
	if err != nil {
		return err
	}
	if strings.HasPrefix(media, "multipart/") {
		for parts := multipart.NewReader(r, params["boundary"]); ; {
			p, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := m.read(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p); err != nil {
				return err
			}
		}
	}
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	}
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	clean := strings.ReplaceAll(string(body), "\r\n", "\n")
	if media == "text/html" {
		m.HTML = clean
	} else {
		m.Text = clean
	}
	return nil
}
