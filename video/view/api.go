package view

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// maxBody bounds what a player sends.
const maxBody = 4 << 10

// sessionID is how a player may name its viewer.
var sessionID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// Beat is what a player says of itself while it plays.
type Beat struct {
	At     float64 // seconds of the video
	Seek   bool    // it jumped there
	Viewer string  // what tells viewers apart
	From   string  // the address it comes from

	agent agent // by what it is watched
}

// post takes what a player sends every few seconds.
func (s *Service) post(c echo.Context) error {
	ctx := c.Request().Context()
	p := rest.Current(ctx)
	v, err := s.o.Catalog.Find(ctx, p, c.Param("id"))
	if err != nil {
		return err
	}
	b, err := s.beat(c, p)
	if err != nil {
		return err
	}
	if err := s.Watch(ctx, v, b); err != nil {
		return err
	}
	if p != nil && s.o.Watched != nil {
		if err := s.o.Watched(ctx, p.UserID, v.ID, b.At); err != nil {
			return err
		}
	}
	return rest.NoContent(c)
}

func (s *Service) beat(c echo.Context, p *rest.Principal) (Beat, error) {
	var body struct {
		CurrentTime json.Number `json:"currentTime"`
		ViewEvent   string      `json:"viewEvent"`
		SessionID   string      `json:"sessionId"`
		Client      string      `json:"client"`
		Device      string      `json:"device"`
		System      string      `json:"operatingSystem"`
	}
	raw, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxBody))
	if err != nil {
		return Beat{}, err
	}
	if err := json.Unmarshal(raw, &body); err != nil && len(raw) > 0 {
		return Beat{}, rest.BadRequest("The request body should be a JSON object")
	}
	b := Beat{From: c.RealIP(), agent: said(body.Client, body.Device, body.System, c.Request().UserAgent())}
	// Without a time there is nothing to note: taken for 0, it would undo where the
	// viewer stopped.
	if b.At, err = body.CurrentTime.Float64(); err != nil || b.At < 0 {
		return Beat{}, rest.Invalid("body", "currentTime", "Should be a time in seconds", body.CurrentTime.String())
	}
	if body.ViewEvent != "" && body.ViewEvent != "seek" {
		return Beat{}, rest.Invalid("body", "viewEvent", "Should be seek", body.ViewEvent)
	}
	b.Seek = body.ViewEvent == "seek"
	switch {
	case body.SessionID != "" && !sessionID.MatchString(body.SessionID):
		return Beat{}, rest.Invalid("body", "sessionId", "Should be up to 100 letters and digits", body.SessionID)
	case body.SessionID != "" && s.o.Settings.TrustViewerSessionID:
		b.Viewer = "session " + body.SessionID
	case p != nil:
		b.Viewer = "user " + strconv.FormatInt(p.UserID, 10)
	default:
		b.Viewer = "address " + b.From + " " + c.Request().UserAgent()
	}
	return b, nil
}

// Watch notes that a viewer is at a time of a video. When that makes a view, it
// is committed when Watch returns nil.
func (s *Service) Watch(ctx context.Context, v *catalog.Video, b Beat) error {
	if v.State != catalog.Published && v.State != catalog.WaitingForLive {
		return nil
	}
	now, key := s.o.Now(), s.local.hash(v.ID, b.Viewer)
	enough := s.players.beat(key, v, b.At, b.Seek, now)
	s.players.is(key, b.agent)
	if !enough || !s.local.note(key, now) || !s.believed(v.ID, b.From) {
		return nil
	}
	if err := s.commits.add(ctx, v.ID); err != nil {
		s.local.forget(key)
		s.players.again(key)
		return err
	}
	return nil
}

// believed tells whether one more viewer at an address is credible: the names
// that players give themselves cost nothing.
func (s *Service) believed(videoID int64, address string) bool {
	now := s.o.Now()
	for n := range maxAddress {
		if s.local.note(s.local.hash(videoID, "view "+strconv.Itoa(n)+" "+address), now) {
			return true
		}
	}
	return false
}
