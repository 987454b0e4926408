package tracker

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/kinemesh/kinemesh/tracker/swarm"
)

const (
	maxMessage    = 64 << 10         // SEC-67
	maxJoined     = 20               // torrents of one socket, SEC-67
	idleTime      = 3 * time.Minute  // SEC-67
	writeTime     = 10 * time.Second // for a client to take what was sent
	probeTime     = 10 * time.Second // for a client to answer a ping
	maxQueue      = 256 << 10        // unread bytes before a client counts as slow
	offerTime     = 2 * time.Minute  // clients give up after 50 seconds
	maxOffersKept = 64               // outstanding offers of one socket and torrent
	// Enough for an announce without offers; the rest of a long message is read
	// past the buffer.
	readBuffer = 512
)

// socket is one browser's connection.
//
// One goroutine reads. There is none for writing as long as nothing waits to
// be written, which halves the memory of an idle viewer: whoever queues a
// message while nobody writes becomes, or starts, the writer.
type socket struct {
	srv  *Server
	conn *websocket.Conn
	addr netip.Addr

	mu      sync.Mutex // guards what follows
	queue   []byte     // frames to be written, in a buffer of the pool
	writing bool
	ending  bool   // nothing more is queued; the writer closes the connection
	reason  string // why it was closed from our side
	joined  []membership
}

// membership is a torrent that a socket takes part in.
type membership struct {
	hash   InfoHash
	id     swarm.ID
	seen   time.Time
	offers []offer
}

// offer was relayed to the peer called to, whose answer is awaited.
type offer struct {
	id swarm.ID
	to swarm.ID
	at time.Time
}

func newUpgrader(checkOrigin func(*http.Request) bool) websocket.Upgrader {
	return websocket.Upgrader{
		HandshakeTimeout: writeTime,
		ReadBufferSize:   readBuffer,
		WriteBufferPool:  &sync.Pool{}, // only control messages of the library are written through it
		CheckOrigin:      checkOrigin,
	}
}

// serveSocket turns the request into a socket. The query is ignored: PeerTube
// announces the address without one, but proxies and clients add some.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	refuse := func(reason string, status int, text string) {
		s.metrics.socketsRefused.WithLabelValues(reason).Inc()
		http.Error(w, text, status)
	}
	addr := s.clientAddr(r)
	switch {
	case !s.opts.Enabled:
		refuse(refusedDisabled, http.StatusForbidden, reasonDisabled)
		return
	case !websocket.IsWebSocketUpgrade(r):
		w.Header().Set("Upgrade", "websocket")
		refuse(refusedUpgrade, http.StatusUpgradeRequired, "This address speaks WebSocket only.")
		return
	case !addr.IsValid():
		refuse(refusedUpgrade, http.StatusBadRequest, "Cannot tell your address.")
		return
	case s.suspects.banned(s.opts.Now(), hostOf(addr)):
		refuse(refusedBanned, http.StatusForbidden, "Too many unknown info hashes.")
		return
	}
	c := &socket{srv: s, addr: addr}
	switch err := s.enter(c); {
	case errors.Is(err, errStopping):
		refuse(refusedShutdown, http.StatusServiceUnavailable, "The server is stopping.")
		return
	case err != nil:
		refuse(refusedTooMany, http.StatusTooManyRequests, "Too many sockets of your address.")
		return
	}
	conn, err := s.upgrader.Upgrade(w, r, nil) // answers by itself when it fails
	if err != nil {
		s.metrics.socketsRefused.WithLabelValues(refusedUpgrade).Inc()
		s.exit(c)
		return
	}
	conn.SetReadLimit(maxMessage)
	conn.SetPongHandler(func(string) error { return conn.SetReadDeadline(time.Now().Add(idleTime)) })
	if !c.attach(conn) {
		s.exit(c) // stopped meanwhile
		return
	}
	// A goroutine of its own lets that of the request go, with its buffers and
	// its grown stack; so does a context that does not hold the request.
	go func() { //nolint:contextcheck // the socket outlives the request
		defer s.exit(c)
		c.read(context.Background())
	}()
}

var (
	errStopping = errors.New("server is stopping")
	errTooMany  = errors.New("too many sockets of one address")
)

// enter counts a socket in; exit must follow.
func (s *Server) enter(c *socket) error {
	host := hostOf(c.addr)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopping:
		return errStopping
	case s.perHost[host] >= s.opts.MaxSocketsPerIP:
		return errTooMany
	}
	s.perHost[host]++
	s.sockets[c] = struct{}{}
	s.wg.Add(1)
	return nil
}

func (s *Server) exit(c *socket) {
	host := hostOf(c.addr)
	s.mu.Lock()
	delete(s.sockets, c)
	if s.perHost[host]--; s.perHost[host] == 0 {
		delete(s.perHost, host)
	}
	s.mu.Unlock()
	s.wg.Done()
}

// attach gives the socket its connection. It returns false, and has closed the
// connection, when the socket was finished before.
func (c *socket) attach(conn *websocket.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn = conn
	if c.ending {
		_ = conn.Close()
	}
	return !c.ending
}

// queues holds buffers for socket.queue.
var queues = sync.Pool{New: func() any { return new([]byte) }}

// read handles messages until the connection ends, and then leaves all swarms.
func (c *socket) read(ctx context.Context) {
	var err error
	for {
		_ = c.conn.SetReadDeadline(time.Now().Add(idleTime)) // fails only with the connection, as the read will
		var r io.Reader
		if _, r, err = c.conn.NextReader(); err != nil {
			break
		}
		x := exchanges.Get().(*exchange)
		if x.in, err = readAll(x.in[:0], r); err == nil {
			err = c.handle(ctx, x)
		}
		exchanges.Put(x)
		if err != nil {
			break
		}
	}
	c.mu.Lock()
	joined := c.joined
	c.joined = nil
	c.mu.Unlock()
	for _, m := range joined {
		c.srv.swarms.Leave(m.hash, m.id, c)
	}
	switch {
	case errors.Is(err, errHangUp):
		c.finish(closedPolicy, websocket.ClosePolicyViolation)
	case isTimeout(err):
		c.finish(closedIdle, websocket.CloseNormalClosure)
	default:
		c.drop(closedClient)
	}
	c.mu.Lock()
	reason := c.reason
	c.mu.Unlock()
	c.srv.metrics.socketsClosed.WithLabelValues(reason).Inc()
}

// isTimeout exists because the library hides deadline errors from errors.Is.
func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// readAll reads a message, which the connection limits, into b.
func readAll(b []byte, r io.Reader) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = slices.Grow(b, max(512, len(b)))
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return b, err
		}
	}
}

// send queues a text message that the socket itself has caused. The reading
// goroutine writes it, so that a client that does not read is not read from.
func (c *socket) send(msg []byte) {
	if !c.push(opText, msg) {
		return
	}
	if c.write() { // others have queued meanwhile
		c.srv.wg.Go(c.writeAll)
	}
}

// relay queues a text message that another socket has caused, and does not
// wait for its being written.
func (c *socket) relay(msg []byte) {
	if c.push(opText, msg) {
		c.srv.wg.Go(c.writeAll)
	}
}

const (
	opText     = 0x1
	opClose    = 0x8
	opPing     = 0x9
	finalFrame = 0x80 // the last, here the only, frame of a message
)

// push queues a frame. It returns true when the caller has to write, because
// nobody else does.
func (c *socket) push(opcode byte, payload []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ending:
		return false
	case len(c.queue)+len(payload) > maxQueue:
		c.ending, c.reason, c.queue = true, closedSlow, nil
		// Not here: closing takes time, and the lock is held.
		c.srv.wg.Go(func() { _ = c.conn.Close() })
		return false
	case c.queue == nil:
		c.queue = (*queues.Get().(*[]byte))[:0]
	}
	c.queue = appendFrame(c.queue, opcode, payload)
	if c.writing {
		return false
	}
	c.writing = true
	return true
}

// appendFrame writes an unmasked frame (RFC 6455 5.2). Frames are built here
// and not by the library so that all that wait go out in one write.
func appendFrame(b []byte, opcode byte, payload []byte) []byte {
	b = append(b, finalFrame|opcode)
	switch n := len(payload); {
	case n < 126:
		b = append(b, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	return append(b, payload...)
}

// write writes what is queued and reports whether more has come meanwhile.
// Only one goroutine may be here, the one that push has told.
func (c *socket) write() (more bool) {
	c.mu.Lock()
	buf := c.queue
	c.queue = nil
	c.mu.Unlock()

	var err error
	if len(buf) > 0 {
		_ = c.conn.NetConn().SetWriteDeadline(time.Now().Add(writeTime)) // fails only with the connection
		// A single Write is never mixed with the library's own control frames.
		_, err = c.conn.NetConn().Write(buf)
		if cap(buf) <= maxMessage {
			queues.Put(&buf)
		}
	}
	if err != nil {
		reason := closedClient
		if isTimeout(err) {
			reason = closedSlow
		}
		c.drop(reason)
	}

	c.mu.Lock()
	if len(c.queue) > 0 && err == nil {
		c.mu.Unlock()
		return true
	}
	c.writing = false
	ending := c.ending
	c.mu.Unlock()
	if ending {
		_ = c.conn.Close()
	}
	return false
}

func (c *socket) writeAll() {
	for c.write() {
	}
}

// drop closes the connection at once; the reading goroutine cleans up. Only
// the first reason is kept.
func (c *socket) drop(reason string) {
	c.mu.Lock()
	if c.reason == "" {
		c.reason = reason
	}
	c.ending, c.queue = true, nil
	c.mu.Unlock()
	_ = c.conn.Close()
}

// finish sends what is queued and a close frame, and closes the connection.
func (c *socket) finish(reason string, code int) {
	c.mu.Lock()
	if c.conn == nil || c.ending {
		c.ending = true
		if c.reason == "" {
			c.reason = reason
		}
		c.mu.Unlock()
		return
	}
	c.reason, c.ending = reason, true
	c.queue = appendFrame(c.queue, opClose, websocket.FormatCloseMessage(code, ""))
	writer := !c.writing
	c.writing = true
	c.mu.Unlock()
	if writer {
		c.srv.wg.Go(c.writeAll)
	}
}

// probe asks a client for a sign of life. Without one its connection ends soon
// and what it holds is free for another.
func (c *socket) probe() {
	_ = c.conn.SetReadDeadline(time.Now().Add(probeTime)) // fails only with the connection
	if c.push(opPing, nil) {
		c.srv.wg.Go(c.writeAll)
	}
}
