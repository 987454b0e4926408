package rig

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Browser is a headless Chromium, driven by its DevTools protocol.
type Browser struct {
	cmd  *exec.Cmd
	dir  string
	conn *websocket.Conn

	mu      sync.Mutex // guards the fields below and writes to conn
	nextID  int
	waiting map[int]chan message
	pages   map[string]*Page // by session
	err     error
}

type message struct {
	ID        int             `json:"id,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// Page is one tab with cookies and storage of its own.
type Page struct {
	b       *Browser
	session string
	target  string

	mu     sync.Mutex
	errors []string // uncaught exceptions and console errors
}

// chromiumNames are tried in turn.
var chromiumNames = []string{"chromium", "chromium-browser", "google-chrome"}

// ErrNoBrowser says that no Chromium is installed.
var ErrNoBrowser = errors.New("no Chromium is installed; run scripts/setup.sh test")

// StartBrowser starts Chromium. WebRTC shows real addresses, because the pages
// of a test find each other on this machine alone.
func StartBrowser(ctx context.Context) (*Browser, error) {
	var path string
	for _, name := range chromiumNames {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		return nil, ErrNoBrowser
	}
	dir, err := os.MkdirTemp("", "kinemesh-chromium-")
	if err != nil {
		return nil, err
	}
	b := &Browser{dir: dir, waiting: map[int]chan message{}, pages: map[string]*Page{}}
	b.cmd = exec.CommandContext(ctx, path,
		"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--mute-audio",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--autoplay-policy=no-user-gesture-required", "--disable-features=WebRtcHideLocalIpsWithMdns",
		"--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
		"--remote-debugging-port=0", "--user-data-dir="+dir, "about:blank")
	stderr, err := b.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := b.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start Chromium: %w", err)
	}
	address, err := devTools(ctx, stderr)
	if err != nil {
		b.Close()
		return nil, err
	}
	b.conn, _, err = websocket.DefaultDialer.DialContext(ctx, address, nil)
	if err != nil {
		b.Close()
		return nil, fmt.Errorf("connect to Chromium: %w", err)
	}
	go b.read()
	return b, nil
}

// devTools finds the address that Chromium prints.
func devTools(ctx context.Context, stderr io.Reader) (string, error) {
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			if _, address, ok := strings.Cut(lines.Text(), "DevTools listening on "); ok {
				found <- strings.TrimSpace(address)
			}
		}
		close(found)
	}()
	select {
	case address, ok := <-found:
		if !ok {
			return "", errors.New("the browser ended at start")
		}
		return address, nil
	case <-time.After(time.Minute):
		return "", errors.New("the browser does not start within a minute")
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Close ends the browser.
func (b *Browser) Close() {
	if b.conn != nil {
		_ = b.conn.Close()
	}
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait() // killed
	_ = os.RemoveAll(b.dir)
}

func (b *Browser) read() {
	for {
		var m message
		if err := b.conn.ReadJSON(&m); err != nil {
			b.mu.Lock()
			b.err = fmt.Errorf("the browser is gone: %w", err)
			for id, c := range b.waiting {
				delete(b.waiting, id)
				close(c)
			}
			b.mu.Unlock()
			return
		}
		b.mu.Lock()
		answer, page := b.waiting[m.ID], b.pages[m.SessionID]
		delete(b.waiting, m.ID)
		b.mu.Unlock()
		switch {
		case m.ID != 0 && answer != nil:
			answer <- m
		case page != nil:
			page.event(m)
		}
	}
}

// call sends a command and reads its result into out.
func (b *Browser) call(ctx context.Context, session, method string, params, out any) error {
	text, err := json.Marshal(params)
	if err != nil {
		return err
	}
	answer := make(chan message, 1)
	b.mu.Lock()
	if b.err != nil {
		b.mu.Unlock()
		return b.err
	}
	b.nextID++
	id := b.nextID
	b.waiting[id] = answer
	err = b.conn.WriteJSON(message{ID: id, SessionID: session, Method: method, Params: text})
	b.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case m, ok := <-answer:
		if !ok {
			return b.err
		}
		if m.Error != nil {
			return fmt.Errorf("%s: %s", method, m.Error.Message)
		}
		if out == nil {
			return nil
		}
		return json.Unmarshal(m.Result, out)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, ctx.Err())
	}
}

// PageOptions say how a page looks at the world.
type PageOptions struct {
	Width, Height int  // 1440x900 unless set
	Mobile        bool // touch, device width
	Dark          bool
	NoScript      bool
	NoPolicy      bool   // as in a browser that knows no Content-Security-Policy
	First         string // a script that runs in every document before its own
}

// Open opens a URL in a new context, so that pages share no cookies.
func (b *Browser) Open(ctx context.Context, url string, o PageOptions) (*Page, error) {
	if o.Width == 0 {
		o.Width, o.Height = 1440, 900
	}
	var browserContext struct {
		ID string `json:"browserContextId"`
	}
	if err := b.call(ctx, "", "Target.createBrowserContext", map[string]any{}, &browserContext); err != nil {
		return nil, err
	}
	var target struct {
		ID string `json:"targetId"`
	}
	if err := b.call(ctx, "", "Target.createTarget", map[string]any{
		"url": "about:blank", "browserContextId": browserContext.ID, "width": o.Width, "height": o.Height, "newWindow": true,
	}, &target); err != nil {
		return nil, err
	}
	var attached struct {
		ID string `json:"sessionId"`
	}
	if err := b.call(ctx, "", "Target.attachToTarget", map[string]any{"targetId": target.ID, "flatten": true}, &attached); err != nil {
		return nil, err
	}
	p := &Page{b: b, session: attached.ID, target: target.ID}
	b.mu.Lock()
	b.pages[p.session] = p
	b.mu.Unlock()
	return p, p.prepare(ctx, url, o)
}

func (p *Page) prepare(ctx context.Context, url string, o PageOptions) error {
	scheme := "light"
	if o.Dark {
		scheme = "dark"
	}
	for _, c := range []struct {
		method string
		params map[string]any
		when   bool
	}{
		{"Runtime.enable", nil, true},
		{"Page.enable", nil, true},
		{"Log.enable", nil, true},
		{"Emulation.setDeviceMetricsOverride", map[string]any{"width": o.Width, "height": o.Height, "deviceScaleFactor": 1, "mobile": o.Mobile}, true},
		{"Emulation.setTouchEmulationEnabled", map[string]any{"enabled": o.Mobile}, true},
		{"Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, true},
		{"Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, o.NoScript},
		{"Page.setBypassCSP", map[string]any{"enabled": true}, o.NoPolicy},
		{"Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": o.First}, o.First != ""},
	} {
		if !c.when {
			continue
		}
		if c.params == nil {
			c.params = map[string]any{}
		}
		if err := p.b.call(ctx, p.session, c.method, c.params, nil); err != nil {
			return err
		}
	}
	return p.Goto(ctx, url)
}

// event takes what the page reports by itself.
func (p *Page) event(m message) {
	var e struct {
		ExceptionDetails struct {
			Text      string `json:"text"`
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
		Entry struct {
			Level, Text, URL string
		} `json:"entry"`
	}
	if json.Unmarshal(m.Params, &e) != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch m.Method {
	case "Runtime.exceptionThrown":
		p.errors = append(p.errors, e.ExceptionDetails.Text+" "+e.ExceptionDetails.Exception.Description)
	case "Page.javascriptDialogOpening": // "leave this page?": yes
		go func() { // not from the reading goroutine, which carries the answer
			_ = p.b.call(context.Background(), p.session, "Page.handleJavaScriptDialog", map[string]any{"accept": true}, nil) // a page that is gone needs none
		}()
	case "Log.entryAdded":
		if e.Entry.Level == "error" {
			p.errors = append(p.errors, e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

// Errors are uncaught exceptions and errors of the console so far.
func (p *Page) Errors() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.errors...)
}

// Goto opens a URL and waits until it is loaded.
func (p *Page) Goto(ctx context.Context, url string) error {
	var nav struct {
		ErrorText string `json:"errorText"`
	}
	if err := p.b.call(ctx, p.session, "Page.navigate", map[string]any{"url": url}, &nav); err != nil {
		return err
	}
	if nav.ErrorText != "" {
		return fmt.Errorf("open %s: %s", url, nav.ErrorText)
	}
	return Eventually(ctx, time.Minute, url+" is loaded", func(ctx context.Context) (bool, error) {
		var state string
		err := p.Eval(ctx, "document.readyState + ' ' + location.href", &state)
		return strings.HasPrefix(state, "complete ") && !strings.HasSuffix(state, "about:blank"), err
	})
}

// Eval runs an expression, waits when it is a promise, and reads its value.
func (p *Page) Eval(ctx context.Context, expression string, out any) error {
	var answer struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		ExceptionDetails *struct {
			Text      string `json:"text"`
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	err := p.b.call(ctx, p.session, "Runtime.evaluate", map[string]any{
		"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true,
	}, &answer)
	if err != nil {
		return err
	}
	if x := answer.ExceptionDetails; x != nil {
		return fmt.Errorf("in the page: %s %s", x.Text, x.Exception.Description)
	}
	if out == nil || len(answer.Result.Value) == 0 {
		return nil
	}
	return json.Unmarshal(answer.Result.Value, out)
}

// SetFile puts a file into an input of the page.
func (p *Page) SetFile(ctx context.Context, selector, file string) error {
	var found struct {
		Result struct {
			ObjectID string `json:"objectId"`
		} `json:"result"`
	}
	if err := p.b.call(ctx, p.session, "Runtime.evaluate", map[string]any{
		"expression": "document.querySelector(" + quote(selector) + ")",
	}, &found); err != nil {
		return err
	}
	if found.Result.ObjectID == "" {
		return fmt.Errorf("no %s in the page", selector)
	}
	return p.b.call(ctx, p.session, "DOM.setFileInputFiles", map[string]any{
		"files": []string{file}, "objectId": found.Result.ObjectID,
	}, nil)
}

func quote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return string(text)
}

// Screenshot writes a PNG of what is seen.
func (p *Page) Screenshot(ctx context.Context, file string) error {
	var shot struct {
		Data string `json:"data"`
	}
	if err := p.b.call(ctx, p.session, "Page.captureScreenshot", map[string]any{"format": "png"}, &shot); err != nil {
		return err
	}
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		return err
	}
	return os.WriteFile(file, png, 0o600)
}

// Close closes the page.
func (p *Page) Close(ctx context.Context) error {
	return p.b.call(ctx, "", "Target.closeTarget", map[string]any{"targetId": p.target}, nil)
}

// playing counts the frames that the first video of the page shows.
const playing = `(async () => {
  const v = document.querySelector('video')
  if (!v) return -1
  v.muted = true
  if (!v.__frames) {
    v.__frames = 1
    const tick = () => { v.__frames++; v.requestVideoFrameCallback(tick) }
    v.requestVideoFrameCallback(tick)
  }
  if (v.paused && !v.ended) await v.play().catch(() => {})
  return v.__frames - 1
})()`

// Frames starts the first video of the page, if it stands still, and returns
// how many frames it has shown since Frames was called first.
func (p *Page) Frames(ctx context.Context) (int, error) {
	var n int
	err := p.Eval(ctx, playing, &n)
	return n, err
}

// DecodedFrames is like [Page.Frames] for pages without scripts, where no
// callback runs: the frames that the browser has decoded.
func (p *Page) DecodedFrames(ctx context.Context) (int, error) {
	var n int
	err := p.Eval(ctx, `(v => { if (!v) return -1; v.muted = true; if (v.paused) v.play().catch(() => {}); return v.getVideoPlaybackQuality().totalVideoFrames })(document.querySelector('video'))`, &n)
	return n, err
}

// PlayerStats are the figures of the player on a watch page.
type PlayerStats struct {
	HTTPBytes   int64  `json:"httpBytes"`
	P2PBytes    int64  `json:"p2pBytes"`
	UploadBytes int64  `json:"uploadBytes"`
	Peers       int    `json:"peers"`
	Validated   int    `json:"validated"`
	Invalid     int    `json:"invalid"`
	P2P         string `json:"p2p"`
	OriginDown  bool   `json:"originDown"`
	Level       int    `json:"level"`
}

// Stats asks the player.
func (p *Page) Stats(ctx context.Context) (PlayerStats, error) {
	var s PlayerStats
	err := p.Eval(ctx, `document.querySelector('kinemesh-player')?.stats() ?? {}`, &s)
	return s, err
}
