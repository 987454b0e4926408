package socketio

import (
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

// writeTime is how long a socket may take for one packet.
const writeTime = 10 * time.Second

// accept makes a WebSocket of a request; nil when that is answered already.
func (s *Server) accept(w http.ResponseWriter, r *http.Request) *websocket.Conn {
	ws, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return nil // it has answered
	}
	ws.SetReadLimit(maxPayload)
	return ws
}

// serveSocket is a session that begins by WebSocket.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request, c *session) {
	defer c.close()
	ws := s.accept(w, r)
	if ws == nil {
		return
	}
	s.pump(ws, c)
}

// upgrade moves a session from polling to a WebSocket: the client sends a probe,
// waits for the end of its poll, and says that it is here now.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request, c *session) {
	ws := s.accept(w, r)
	if ws == nil {
		return
	}
	deadline := time.Now().Add(s.o.PingTimeout)
	if ws.SetReadDeadline(deadline) != nil || !expect(ws, probe) || !write(ws, probed) {
		_ = ws.Close() // the session goes on by polling
		return
	}
	c.send(engineNoop) // ends the poll
	if !expect(ws, string(engineUpgrade)) || ws.SetReadDeadline(time.Time{}) != nil {
		_ = ws.Close() // as above
		return
	}
	c.mu.Lock()
	twice := c.socket || c.over
	c.socket = true
	c.mu.Unlock()
	if twice {
		_ = ws.Close() // there is another one already
		return
	}
	defer c.close()
	s.pump(ws, c)
}

func expect(ws *websocket.Conn, packet string) bool {
	_, raw, err := ws.ReadMessage()
	return err == nil && string(raw) == packet
}

func write(ws *websocket.Conn, packet string) bool {
	return ws.SetWriteDeadline(time.Now().Add(writeTime)) == nil && ws.WriteMessage(websocket.TextMessage, []byte(packet)) == nil
}

// enter counts a socket that Run waits for; false when the server stops.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.sockets.Add(1)
	}
	return !s.stopped
}

// pump moves packets both ways until one side has enough.
func (s *Server) pump(ws *websocket.Conn, c *session) {
	if !s.enter() {
		_ = ws.Close() // the server stops
		return
	}
	defer s.sockets.Done()
	written := make(chan struct{})
	go func() {
		defer close(written)
		c.writeTo(ws)
		_ = ws.Close() // ends the reading below
	}()
	for {
		kind, raw, err := ws.ReadMessage()
		if err != nil || kind != websocket.TextMessage || c.handle(string(raw)) != nil {
			break
		}
	}
	c.close()
	<-written
}

// writeTo sends what is queued until the session is over. What was queued before
// its end is still sent.
func (c *session) writeTo(ws *websocket.Conn) {
	for over := false; !over; {
		if !c.waiting() {
			select {
			case <-c.wake:
			case <-c.closed:
				over = true
			}
		}
		for _, p := range c.take(maxPayload) {
			if !write(ws, p) {
				return
			}
		}
	}
	// A client that is gone does not need the farewell.
	_ = ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
}
