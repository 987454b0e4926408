package socketio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Namespace is what clients connect to. Any function may be nil.
type Namespace struct {
	// Admit decides whether a client may come in. The text of an error is shown to
	// it.
	Admit func(c *Conn) error
	// Open is called when the client is in.
	Open func(c *Conn)
	// Event takes an event of the client.
	Event func(c *Conn, name string, args []json.RawMessage)
	// Close is called once for each client that was admitted, when it is gone.
	Close func(c *Conn)
}

// Options are what a Server needs. Zero numbers have defaults.
type Options struct {
	Namespaces   map[string]Namespace // by name, with the slash
	ClientIP     func(*http.Request) string
	PingInterval time.Duration // 25 s
	PingTimeout  time.Duration // 20 s
	MaxSessions  int           // 20,000
	MaxPerClient int           // 200 from one address
}

// maxPayload bounds one message or answer. Clients are told.
const maxPayload = 100_000

// joinTime is how long a session may be in no namespace.
const joinTime = 45 * time.Second

// Server answers below the path of Socket.IO. It is safe for concurrent use.
type Server struct {
	o        Options
	upgrader websocket.Upgrader

	mu       sync.Mutex
	sessions map[string]*session
	clients  map[string]int // sessions by address
	stopped  bool
	sockets  sync.WaitGroup
}

// New returns a Server.
func New(o Options) *Server {
	if o.ClientIP == nil {
		o.ClientIP = func(r *http.Request) string { return r.RemoteAddr }
	}
	if o.PingInterval == 0 {
		o.PingInterval = 25 * time.Second
	}
	if o.PingTimeout == 0 {
		o.PingTimeout = 20 * time.Second
	}
	if o.MaxSessions == 0 {
		o.MaxSessions = 20_000
	}
	if o.MaxPerClient == 0 {
		o.MaxPerClient = 200
	}
	return &Server{
		o: o, sessions: map[string]*session{}, clients: map[string]int{},
		// What is here is for whoever has a token, or for all: the page that asks
		// does not matter, and cookies are not looked at.
		upgrader: websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }},
	}
}

// Run closes all clients when ctx ends and returns when they are gone.
func (s *Server) Run(ctx context.Context) error {
	<-ctx.Done()
	s.mu.Lock()
	s.stopped = true
	all := make([]*session, 0, len(s.sessions))
	for _, c := range s.sessions {
		all = append(all, c)
	}
	s.mu.Unlock()
	for _, c := range all {
		c.close()
	}
	s.sockets.Wait()
	return nil
}

// refusal is an error of Engine.IO.
type refusal struct {
	status  int
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func refuse(w http.ResponseWriter, r refusal) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.status)
	// Nothing is left to do for a client that is gone.
	_ = json.NewEncoder(w).Encode(r)
}

var (
	unknownTransport = refusal{http.StatusBadRequest, 0, "Transport unknown"}
	unknownSession   = refusal{http.StatusBadRequest, 1, "Session ID unknown"}
	badMethod        = refusal{http.StatusBadRequest, 2, "Bad handshake method"}
	badRequest       = refusal{http.StatusBadRequest, 3, "Bad request"}
	tooMany          = refusal{http.StatusServiceUnavailable, 4, "Forbidden"}
	unknownProtocol  = refusal{http.StatusBadRequest, 5, "Unsupported protocol version"}
)

// ServeHTTP answers a handshake, a poll, what a polling client sends, or a
// WebSocket.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	w.Header().Set("Cache-Control", "no-store")
	transport, sid := q.Get("transport"), q.Get("sid")
	socket := transport == "websocket"
	if !socket && transport != "polling" {
		refuse(w, unknownTransport)
		return
	}
	if q.Get("EIO") != "4" {
		refuse(w, unknownProtocol)
		return
	}
	if sid == "" {
		s.handshake(w, r, socket)
		return
	}
	c := s.find(sid)
	switch {
	case c == nil:
		refuse(w, unknownSession)
	case socket:
		s.upgrade(w, r, c)
	case r.Method == http.MethodGet:
		c.poll(w, r)
	case r.Method == http.MethodPost:
		c.post(w, r)
	default:
		refuse(w, badMethod)
	}
}

func (s *Server) find(sid string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[sid]
}

func (s *Server) remove(c *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, c.id)
	if s.clients[c.client]--; s.clients[c.client] <= 0 {
		delete(s.clients, c.client)
	}
}

// newID is a secret: who has it gets what is for its session.
func newID() string {
	b := make([]byte, 20)
	rand.Read(b) // it ends the program rather than fail
	return base64.RawURLEncoding.EncodeToString(b)
}

// open begins a session; nil when there are too many.
func (s *Server) open(r *http.Request, socket bool) *session {
	client := s.o.ClientIP(r)
	c := &session{
		id: newID(), srv: s, request: r.Clone(context.WithoutCancel(r.Context())), client: client, socket: socket,
		wake: make(chan struct{}, 1), closed: make(chan struct{}), conns: map[string]*Conn{},
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || len(s.sessions) >= s.o.MaxSessions || s.clients[client] >= s.o.MaxPerClient {
		return nil
	}
	s.sessions[c.id] = c
	s.clients[client]++
	return c
}

// handshake begins a session and tells its rules.
func (s *Server) handshake(w http.ResponseWriter, r *http.Request, socket bool) {
	if r.Method != http.MethodGet {
		refuse(w, badMethod)
		return
	}
	c := s.open(r, socket)
	if c == nil {
		refuse(w, tooMany)
		return
	}
	upgrades := []string{}
	if !socket {
		upgrades = append(upgrades, "websocket")
	}
	rules, err := json.Marshal(map[string]any{
		"sid": c.id, "upgrades": upgrades, "pingInterval": s.o.PingInterval.Milliseconds(),
		"pingTimeout": s.o.PingTimeout.Milliseconds(), "maxPayload": maxPayload,
	})
	if err != nil {
		c.close()
		refuse(w, badRequest)
		return
	}
	c.send("0" + string(rules))
	c.beat()
	time.AfterFunc(joinTime, func() {
		c.mu.Lock()
		idle := len(c.conns) == 0
		c.mu.Unlock()
		if idle {
			c.close()
		}
	})
	if socket {
		s.serveSocket(w, r, c)
		return
	}
	c.poll(w, r)
}

// poll answers with what is queued, or waits for it.
func (c *session) poll(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	twice := c.polling || c.socket
	c.polling = c.polling || !c.socket
	c.mu.Unlock()
	if twice {
		refuse(w, badRequest)
		c.close()
		return
	}
	defer func() {
		c.mu.Lock()
		c.polling = false
		c.mu.Unlock()
	}()
	for !c.waiting() {
		select {
		case <-c.wake:
		case <-r.Context().Done():
			return
		case <-c.closed:
			writeText(w, "text/plain; charset=UTF-8", string(engineClose))
			return
		}
	}
	writeText(w, "text/plain; charset=UTF-8", strings.Join(c.take(maxPayload), separator))
}

func writeText(w http.ResponseWriter, kind, text string) {
	w.Header().Set("Content-Type", kind)
	// A client that is gone asks again or is closed by the missing pong.
	_, _ = io.WriteString(w, text) //nolint:gosec // plain text that nosniff keeps so
}

// post takes what a polling client sends.
func (c *session) post(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		c.close()
		return
	}
	if err != nil {
		refuse(w, badRequest)
		return
	}
	for raw := range strings.SplitSeq(string(body), separator) {
		if err := c.handle(raw); err != nil {
			refuse(w, badRequest)
			c.close()
			return
		}
	}
	writeText(w, "text/html", "ok")
}
