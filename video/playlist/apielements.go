package playlist

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/form"
	"github.com/kinemesh/kinemesh/web/rest"
)

func (s *Service) videos(c echo.Context) error {
	p, err := s.Shown(c)
	if err != nil {
		return err
	}
	page, err := rest.ParsePage(c, "position", "position")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	rows, total, err := s.elements(ctx, p, page)
	if err != nil {
		return err
	}
	out, err := s.elementsToAPI(ctx, rest.Current(ctx), rows)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, rest.NewList(total, out))
}

// times reads from when to when an element plays.
func times(in form.Input) (start, stop *int, err error) {
	var c rest.Checker
	for name, dst := range map[string]**int{"startTimestamp": &start, "stopTimestamp": &stop} {
		n, ok := in.Int(&c, name)
		if !ok {
			continue
		}
		if n < 0 || n > 1<<31 {
			c.Refuse("body", name, "Should be seconds from the beginning", n)
		}
		v := int(n)
		*dst = &v
	}
	if start != nil && stop != nil && *stop <= *start {
		c.Refuse("body", "stopTimestamp", "Should be behind the start", *stop)
	}
	return start, stop, c.Err()
}

func (s *Service) add(c echo.Context) error {
	p, err := s.own(c, false)
	if err != nil {
		return err
	}
	in, err := read(c, form.Element)
	if err != nil {
		return err
	}
	start, stop, err := times(in)
	if err != nil {
		return err
	}
	ids := in["videoId"]
	if len(ids) != 1 {
		return rest.Invalid("body", "videoId", "Should be a video", nil)
	}
	ctx := c.Request().Context()
	v, err := s.visible(ctx, ids[0])
	if err != nil {
		return err
	}
	e, err := s.Add(ctx, p.ID, v.ID, start, stop)
	if err != nil {
		return problem(err)
	}
	return c.JSON(http.StatusOK, map[string]any{"videoPlaylistElement": map[string]any{"id": e.ID}})
}

func (s *Service) reorder(c echo.Context) error {
	p, err := s.own(c, false)
	if err != nil {
		return err
	}
	in, err := read(c, form.Element)
	if err != nil {
		return err
	}
	var check rest.Checker
	from, ok := in.Int(&check, "startPosition")
	after, ok2 := in.Int(&check, "insertAfterPosition")
	n, given := in.Int(&check, "reorderLength")
	if !given {
		n = 1
	}
	if err := check.Err(); err != nil {
		return err
	}
	const most = 1 << 30
	if !ok || !ok2 || min(from, after, n) < 0 || max(from, after, n) > most {
		return problem(errOrder)
	}
	if err := s.Move(c.Request().Context(), p.ID, int(from), int(after), int(n)); err != nil {
		return problem(err)
	}
	return rest.NoContent(c)
}

func (s *Service) cut(c echo.Context) error {
	p, id, err := s.element(c)
	if err != nil {
		return err
	}
	in, err := read(c, form.Element)
	if err != nil {
		return err
	}
	start, stop, err := times(in)
	if err != nil {
		return err
	}
	if err := s.Cut(c.Request().Context(), p.ID, id, start, stop); err != nil {
		return problem(err)
	}
	return rest.NoContent(c)
}

func (s *Service) element(c echo.Context) (*Playlist, int64, error) {
	p, err := s.own(c, false)
	if err != nil {
		return nil, 0, err
	}
	id, err := rest.ParamID(c, "element", "Video playlist element not found")
	return p, id, err
}

func (s *Service) take(c echo.Context) error {
	p, id, err := s.element(c)
	if err != nil {
		return err
	}
	if err := s.Remove(c.Request().Context(), p.ID, id); err != nil {
		return problem(err)
	}
	return rest.NoContent(c)
}

// maxAsked bounds the videos that one question names.
const maxAsked = 100

type apiExists struct {
	ElementID      int64  `json:"playlistElementId"`
	PlaylistID     int64  `json:"playlistId"`
	DisplayName    string `json:"playlistDisplayName"`
	ShortUUID      string `json:"playlistShortUUID"`
	StartTimestamp *int   `json:"startTimestamp"`
	StopTimestamp  *int   `json:"stopTimestamp"`
}

// exist tells which playlists of the user hold videos, by their ids.
func (s *Service) exist(c echo.Context) error {
	var ids []int64
	for _, v := range rest.QueryValues(c, "videoIds") {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n <= 0 {
			return rest.Invalid("query", "videoIds", "Should be numbers of videos", v)
		}
		ids = append(ids, n)
	}
	if len(ids) == 0 || len(ids) > maxAsked {
		return rest.Invalid("query", "videoIds", fmt.Sprintf("Should be 1 to %d numbers of videos", maxAsked), len(ids))
	}
	var rows []struct {
		Element
		Name, PlaylistUUID string
	}
	ctx := c.Request().Context()
	err := s.db.Read(ctx).Raw(`SELECT e.*, p.name, p.uuid AS playlist_uuid FROM playlist_elements e JOIN playlists p ON p.id = e.playlist_id
 WHERE p.account_id = ? AND e.video_id IN ? ORDER BY p.id, e.position`, rest.Current(ctx).AccountID, ids).Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("playlists of videos: %w", err)
	}
	out := map[string][]apiExists{}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		out[strconv.FormatInt(id, 10)] = []apiExists{}
	}
	for _, r := range rows {
		key := strconv.FormatInt(*r.VideoID, 10)
		out[key] = append(out[key], apiExists{r.ID, r.PlaylistID, r.Name, catalog.ShortUUID(r.PlaylistUUID), r.StartTimestamp, r.StopTimestamp})
	}
	return c.JSON(http.StatusOK, out)
}
