package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/kinemesh/kinemesh/web/socketio"
)

// limit is how long a test waits for what must come.
const limit = 30 * time.Second

// echoes is a namespace that admits those with the token "good", sends back what
// it gets, and tells of those who leave.
func echoes(left chan<- string) socketio.Namespace {
	return socketio.Namespace{
		Admit: func(c *socketio.Conn) error {
			if c.Request.URL.Query().Get("token") != "good" {
				return errors.New("Unauthorized") // the text goes to the client
			}
			c.Value = "somebody"
			return nil
		},
		Event: func(c *socketio.Conn, name string, args []json.RawMessage) {
			if name == "bye" {
				c.Close()
				return
			}
			_ = c.Emit("echo", map[string]any{"name": name, "args": args, "who": c.Value})
		},
		Close: func(c *socketio.Conn) { left <- c.ID },
	}
}

func serve(t *testing.T, o socketio.Options) (url string, stop func()) {
	t.Helper()
	s := socketio.New(o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	h := httptest.NewServer(s)
	stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { cancel(); h.Close() })
	return h.URL + "/socket.io/?EIO=4&token=good", stop
}

func ask(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

// open makes a session by polling.
func open(t *testing.T, url string) (sid string) {
	t.Helper()
	status, body := ask(t, http.MethodGet, url+"&transport=polling", "")
	var rules struct {
		SID        string   `json:"sid"`
		Upgrades   []string `json:"upgrades"`
		MaxPayload int      `json:"maxPayload"`
	}
	if status != 200 || !strings.HasPrefix(body, "0") || json.Unmarshal([]byte(body[1:]), &rules) != nil || rules.SID == "" {
		t.Fatalf("handshake: %d %s", status, body)
	}
	if len(rules.Upgrades) != 1 || rules.MaxPayload == 0 {
		t.Fatalf("rules = %+v", rules)
	}
	return rules.SID
}

func dial(t *testing.T, url string) *websocket.Conn {
	t.Helper()
	ws, res, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(url, "http")+"&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	t.Cleanup(func() { ws.Close() })
	if err := ws.SetReadDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	return ws
}

func say(t *testing.T, ws *websocket.Conn, packet string) {
	t.Helper()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(packet)); err != nil {
		t.Fatal(err)
	}
}

// hear reads packets until one begins with prefix.
func hear(t *testing.T, ws *websocket.Conn, prefix string) string {
	t.Helper()
	for {
		_, raw, err := ws.ReadMessage()
		if err != nil {
			t.Fatalf("waiting for %q: %v", prefix, err)
		}
		if s := string(raw); strings.HasPrefix(s, prefix) {
			return s
		}
	}
}

// TestPolling: a client that has no WebSocket connects, sends and is sent to, and
// is told why it may not come in.
func TestPolling(t *testing.T) {
	left := make(chan string, 10)
	url, _ := serve(t, socketio.Options{Namespaces: map[string]socketio.Namespace{"/": {}, "/room": echoes(left)}})
	at := url + "&transport=polling&sid=" + open(t, url)
	for _, c := range []struct{ name, send, want string }{
		{"the default namespace", "40", `40{"sid":`},
		{"a namespace", "40/room,", `40/room,{"sid":`},
		{"one that is not there", "40/attic,", `44/attic,{"message":"Invalid namespace"}`},
		{"an event", `42/room,["hi",1,{"a":"b"}]`, `42/room,["echo",{"args":[1,{"a":"b"}],"name":"hi","who":"somebody"}]`},
		{"an event with an acknowledgement", `42/room,17["hi"]`, `42/room,["echo",{"args":[],"name":"hi","who":"somebody"}]`},
		{"two at once", "42/room,[\"a\"]\x1e42/room,[\"b\"]", "42/room,[\"echo\",{\"args\":[],\"name\":\"a\",\"who\":\"somebody\"}]\x1e42/room"},
		{"being sent away", `42/room,["bye"]`, "41/room,"},
	} {
		if status, body := ask(t, http.MethodPost, at, c.send); status != 200 || body != "ok" {
			t.Errorf("%s: sent: %d %s", c.name, status, body)
		}
		if status, body := ask(t, http.MethodGet, at, ""); status != 200 || !strings.HasPrefix(body, c.want) {
			t.Errorf("%s: got %d %q, want %q", c.name, status, body, c.want)
		}
	}
	select {
	case <-left:
	case <-time.After(limit):
		t.Error("the namespace did not hear that the client left")
	}
	bad := strings.Replace(url, "token=good", "token=bad", 1)
	at = bad + "&transport=polling&sid=" + open(t, bad)
	ask(t, http.MethodPost, at, "40/room,")
	if _, body := ask(t, http.MethodGet, at, ""); body != `44/room,{"message":"Unauthorized"}` {
		t.Errorf("with a bad token: %q", body)
	}
}

// TestRefused: what is not the protocol is answered as Engine.IO does, and ends
// the session.
func TestRefused(t *testing.T) {
	url, _ := serve(t, socketio.Options{Namespaces: map[string]socketio.Namespace{"/": {}}})
	for _, c := range []struct {
		name, method, url, body string
		status                  int
		want                    string
	}{
		{"transport", "GET", url + "&transport=webtransport", "", 400, `"code":0`},
		{"no transport", "GET", url, "", 400, `"code":0`},
		{"session", "GET", url + "&transport=polling&sid=none", "", 400, `"code":1`},
		{"handshake by POST", "POST", url + "&transport=polling", "40", 400, `"code":2`},
		{"version 3", "GET", strings.Replace(url, "EIO=4", "EIO=3", 1) + "&transport=polling", "", 400, `"code":5`},
	} {
		if status, body := ask(t, c.method, c.url, c.body); status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %s", c.name, status, body)
		}
	}
	for name, body := range map[string]string{
		"empty": "", "binary": "bAAAA", "no packet": "9", "no kind": "4", "binary event": `451-["a",{"_placeholder":true,"num":0}]`,
		"no JSON": "40/,{", "too long": "42" + strings.Repeat("x", 200_000),
	} {
		at := url + "&transport=polling&sid=" + open(t, url)
		if status, _ := ask(t, http.MethodPost, at, body); status != 400 && status != 413 {
			t.Errorf("%s: %d", name, status)
		}
		if status, _ := ask(t, http.MethodGet, at, ""); status != 400 {
			t.Errorf("%s: the session lives on: %d", name, status)
		}
	}
}

// TestWebSocket: a client begins with a WebSocket, or goes over to one, and what
// was queued for its polls comes along.
func TestWebSocket(t *testing.T) {
	left := make(chan string, 10)
	url, stop := serve(t, socketio.Options{Namespaces: map[string]socketio.Namespace{"/room": echoes(left)}})
	direct := dial(t, url)
	hear(t, direct, `0{`)
	say(t, direct, "40/room,")
	hear(t, direct, `40/room,{"sid":`)

	sid := open(t, url)
	at := url + "&transport=polling&sid=" + sid
	ask(t, http.MethodPost, at, "40/room,")
	moved := dial(t, url+"&sid="+sid)
	say(t, moved, "2probe")
	hear(t, moved, "3probe")
	_, polled := ask(t, http.MethodGet, at, "")
	for !strings.HasSuffix(polled, "6") {
		_, body := ask(t, http.MethodGet, at, "")
		polled += body
	}
	if !strings.HasPrefix(polled, "40/room,") {
		t.Errorf("last polls = %q, want what was queued and a noop", polled)
	}
	ask(t, http.MethodPost, at, `42/room,["queued"]`)
	say(t, moved, "5")
	hear(t, moved, `42/room,["echo",{"args":[],"name":"queued"`)
	if status, _ := ask(t, http.MethodGet, url+"&transport=polling&sid=none", ""); status != 400 {
		t.Error("an unknown session polls")
	}
	say(t, moved, `42/room,["hi"]`)
	hear(t, moved, `42/room,["echo",{"args":[],"name":"hi"`)

	direct.Close()
	select {
	case <-left:
	case <-time.After(limit):
		t.Fatal("nobody heard that the client hung up")
	}
	stop() // the other one is closed by the server
	for {
		if _, _, err := moved.ReadMessage(); err != nil {
			if !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
				t.Errorf("closed with %v", err)
			}
			break
		}
	}
	<-left
	if status, _ := ask(t, http.MethodGet, url+"&transport=polling", ""); status != http.StatusServiceUnavailable {
		t.Errorf("a handshake after the end: %d", status)
	}
}

// TestPings: who answers stays, who is silent is closed.
func TestPings(t *testing.T) {
	left := make(chan string, 10)
	url, _ := serve(t, socketio.Options{
		Namespaces: map[string]socketio.Namespace{"/room": echoes(left)}, PingInterval: 20 * time.Millisecond, PingTimeout: 2 * time.Second,
	})
	ws := dial(t, url)
	say(t, ws, "40/room,")
	for range 5 {
		hear(t, ws, "2")
		say(t, ws, "3")
	}
	select {
	case <-left:
		t.Fatal("a client that answers was closed")
	default:
	}
	select { // now it is silent
	case <-left:
	case <-time.After(limit):
		t.Fatal("a silent client is not closed")
	}
}

// TestBounds: sessions from one address and in all are bounded, and a client that
// takes nothing is closed.
func TestBounds(t *testing.T) {
	left := make(chan string, 10)
	url, _ := serve(t, socketio.Options{
		Namespaces: map[string]socketio.Namespace{"/room": echoes(left)}, MaxSessions: 3, MaxPerClient: 2,
		ClientIP: func(r *http.Request) string { return r.URL.Query().Get("from") },
	})
	sid := open(t, url+"&from=a")
	open(t, url+"&from=a")
	if status, _ := ask(t, http.MethodGet, url+"&transport=polling&from=a", ""); status != 503 {
		t.Errorf("a third session of an address: %d", status)
	}
	open(t, url+"&from=b")
	if status, _ := ask(t, http.MethodGet, url+"&transport=polling&from=c", ""); status != 503 {
		t.Errorf("a fourth session: %d", status)
	}
	at := url + "&transport=polling&sid=" + sid
	ask(t, http.MethodPost, at, "40/room,")
	for range 300 {
		if status, _ := ask(t, http.MethodPost, at, `42/room,["hi"]`); status != 200 {
			break
		}
	}
	select {
	case <-left:
	case <-time.After(limit):
		t.Error("a client that takes nothing is not closed")
	}
	open(t, url+"&from=c") // there is room again
}
