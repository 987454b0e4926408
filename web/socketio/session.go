package socketio

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// maxQueue is how many packets may wait for a client. A page that is not looked
// at polls late, but within the time of a ping.
const maxQueue = 256

// session is one client, whatever ways it takes.
type session struct {
	id      string
	srv     *Server
	request *http.Request // of the handshake
	client  string
	wake    chan struct{} // something is in the queue
	closed  chan struct{}

	handling sync.Mutex // messages are handled one after the other

	mu      sync.Mutex
	queue   []string
	polling bool // a poll waits
	socket  bool // by WebSocket; else by polling
	over    bool
	conns   map[string]*Conn
	timer   *time.Timer // to the next ping, or to the end of waiting for a pong
}

// send queues packets. A client that does not take them is closed.
func (s *session) send(packets ...string) {
	s.mu.Lock()
	full := len(s.queue)+len(packets) > maxQueue
	if !s.over && !full {
		s.queue = append(s.queue, packets...)
	}
	s.mu.Unlock()
	if full {
		s.close()
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// take empties the queue, as far as it fits into max bytes.
func (s *session) take(most int) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, size := 0, 0
	for n < len(s.queue) && (n == 0 || size+len(s.queue[n]) < most) {
		size += len(s.queue[n]) + len(separator)
		n++
	}
	out := slices.Clone(s.queue[:n])
	s.queue = slices.Delete(s.queue, 0, n)
	return out
}

// waiting tells whether something is queued.
func (s *session) waiting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) > 0
}

// beat starts the round of pings: the server asks, the client answers in time or
// is closed.
func (s *session) beat() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	if s.timer != nil {
		s.timer.Stop()
	}
	s.timer = time.AfterFunc(s.srv.o.PingInterval, func() {
		s.mu.Lock()
		if !s.over {
			s.timer = time.AfterFunc(s.srv.o.PingTimeout, s.close)
		}
		s.mu.Unlock()
		s.send(string(enginePing))
	})
}

// close ends the session and tells its namespaces.
func (s *session) close() {
	s.mu.Lock()
	if s.over {
		s.mu.Unlock()
		return
	}
	s.over = true
	if s.timer != nil {
		s.timer.Stop()
	}
	conns := s.conns
	s.conns = nil
	close(s.closed)
	s.mu.Unlock()
	s.srv.remove(s)
	for _, c := range conns {
		c.leave()
	}
}

// handle takes one packet of the client. An error ends the session.
func (s *session) handle(raw string) error {
	if raw == "" {
		return errPacket
	}
	switch raw[0] {
	case enginePong:
		s.beat()
		return nil
	case engineMessage:
		p, err := parsePacket(raw[1:])
		if err != nil {
			return err
		}
		s.handling.Lock()
		defer s.handling.Unlock()
		return s.message(p)
	case engineClose:
		s.close()
		return nil
	}
	return fmt.Errorf("%w: %.1q", errPacket, raw)
}

func (s *session) message(p packet) error {
	s.mu.Lock()
	c := s.conns[p.namespace]
	s.mu.Unlock()
	switch {
	case p.kind == connect && c == nil:
		return s.connect(p)
	case p.kind == disconnect && c != nil:
		s.mu.Lock()
		delete(s.conns, p.namespace)
		s.mu.Unlock()
		c.leave()
	case p.kind == event && c != nil:
		name, args, err := parseEvent(p.data)
		if err != nil {
			return err
		}
		if c.space.Event != nil {
			c.space.Event(c, name, args)
		}
	}
	return nil // what comes for a namespace that was left meanwhile is nothing
}

// connect lets the client into a namespace, or tells it why not.
func (s *session) connect(p packet) error {
	space, known := s.srv.o.Namespaces[p.namespace]
	refuse := func(why string) {
		s.send(packet{connectError, p.namespace, object("message", why)}.String())
	}
	if !known {
		refuse("Invalid namespace")
		return nil
	}
	c := &Conn{ID: newID(), Request: s.request, Auth: p.data, session: s, space: space, name: p.namespace}
	if space.Admit != nil {
		if err := space.Admit(c); err != nil {
			refuse(err.Error())
			return nil
		}
	}
	s.mu.Lock()
	if s.over {
		s.mu.Unlock()
		return nil
	}
	s.conns[p.namespace] = c
	s.mu.Unlock()
	s.send(packet{connect, p.namespace, object("sid", c.ID)}.String())
	if space.Open != nil {
		space.Open(c)
	}
	return nil
}

// Conn is a client in a namespace. It is safe for concurrent use.
type Conn struct {
	ID      string
	Request *http.Request   // with which the client came; its context has ended
	Auth    json.RawMessage // what the client brought, may be empty
	Value   any             // of the namespace; set in Admit

	session *session
	space   Namespace
	name    string
	left    sync.Once
}

// Emit sends an event. For a client that is gone it does nothing.
func (c *Conn) Emit(name string, data any) error {
	raw, err := json.Marshal([]any{name, data})
	if err != nil {
		return fmt.Errorf("event %s: %w", name, err)
	}
	c.session.send(packet{event, c.name, raw}.String())
	return nil
}

// Close tells the client to leave the namespace for good: it does not come back
// by itself. Other namespaces of the client stay.
func (c *Conn) Close() {
	s := c.session
	s.mu.Lock()
	if s.conns[c.name] == c {
		delete(s.conns, c.name)
	}
	s.mu.Unlock()
	s.send(packet{kind: disconnect, namespace: c.name}.String())
	c.leave()
}

func (c *Conn) leave() {
	c.left.Do(func() {
		if c.space.Close != nil {
			c.space.Close(c)
		}
	})
}
