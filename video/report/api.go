package report

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/web/rest"
)

// maxBody bounds a request.
const maxBody = 64 << 10

func (s *Service) routes(r *rest.Router) {
	r.API.GET("/abuses", rest.Moderator, s.getAll)
	r.API.POST("/abuses", rest.SignedIn, s.post)
	r.API.PUT("/abuses/:abuse", rest.Moderator, s.put)
	r.API.DELETE("/abuses/:abuse", rest.Moderator, s.remove)
	r.API.GET("/abuses/:abuse/messages", rest.Owner, s.getMessages)
	r.API.POST("/abuses/:abuse/messages", rest.Owner, s.postMessage)
	r.API.DELETE("/abuses/:abuse/messages/:message", rest.Owner, s.deleteMessage)
	r.API.GET("/users/me/abuses", rest.SignedIn, s.getMine)
}

// problem is what a client reads of an error.
func problem(err error) error {
	switch {
	case errors.Is(err, ErrNotFound):
		return rest.NotFound("Abuse not found")
	case errors.Is(err, ErrForbidden):
		return rest.Forbidden("You are not allowed to read or write these messages")
	case errors.Is(err, ErrElsewhere):
		return rest.BadRequest("This abuse was created by a user of another instance")
	}
	return err
}

func abuseID(c echo.Context) (int64, error) { return rest.ParamID(c, "abuse", "Abuse not found") }

func decode(c echo.Context, into any) error {
	raw, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxBody))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return rest.BadRequest("The request body should be a JSON object of the right types")
	}
	return nil
}

// text checks the length of a text in characters.
func text(check *rest.Checker, name, s string) {
	if n := utf8.RuneCountInString(strings.TrimSpace(s)); n < minText || utf8.RuneCountInString(s) > maxText {
		check.Refuse("body", name, "Should have between 2 and 3000 characters", nil)
	}
}

// named reads the name of a thing in the API: a number or a text.
type named string

// UnmarshalJSON implements json.Unmarshaler.
func (n *named) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, (*string)(n))
	}
	var number json.Number
	err := json.Unmarshal(raw, &number)
	*n = named(number)
	return err
}

func (s *Service) post(c echo.Context) error {
	var body struct {
		Reason     string   `json:"reason"`
		Predefined []string `json:"predefinedReasons"`
		Video      *struct {
			ID      named `json:"id"`
			StartAt *int  `json:"startAt"`
			EndAt   *int  `json:"endAt"`
		} `json:"video"`
		Comment *struct {
			ID int64 `json:"id"`
		} `json:"comment"`
		Account *struct {
			ID int64 `json:"id"`
		} `json:"account"`
	}
	if err := decode(c, &body); err != nil {
		return err
	}
	var check rest.Checker
	text(&check, "reason", body.Reason)
	for _, name := range body.Predefined {
		if !slices.Contains(reasons, name) {
			check.Refuse("body", "predefinedReasons", "Should be some of "+strings.Join(reasons, ", "), name)
		}
	}
	n := NewReport{Reason: body.Reason, Predefined: body.Predefined}
	subjects := 0
	if v := body.Video; v != nil {
		subjects++
		n.Video, n.StartAt, n.EndAt = string(v.ID), v.StartAt, v.EndAt
		if v.StartAt != nil && *v.StartAt < 0 || v.EndAt != nil && (*v.EndAt < 0 || v.StartAt != nil && *v.EndAt < *v.StartAt) {
			check.Refuse("body", "video.startAt", "Should be seconds, and before endAt", v.StartAt)
		}
	}
	if body.Comment != nil && body.Comment.ID > 0 {
		subjects++
		n.CommentID = body.Comment.ID
	}
	if body.Account != nil && body.Account.ID > 0 {
		subjects++
		n.AccountID = body.Account.ID
	}
	if subjects != 1 {
		check.Refuse("body", "video.id", "Name one video, comment or account", nil)
	}
	if err := check.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	r, err := s.Create(ctx, rest.Current(ctx), n)
	if err != nil {
		return problem(err)
	}
	return c.JSON(http.StatusOK, map[string]any{"abuse": map[string]any{"id": r.ID}})
}

func (s *Service) put(c echo.Context) error {
	id, err := abuseID(c)
	if err != nil {
		return err
	}
	var body struct {
		State             *State  `json:"state"`
		ModerationComment *string `json:"moderationComment"`
	}
	if err := decode(c, &body); err != nil {
		return err
	}
	var check rest.Checker
	if body.State != nil && (*body.State < Pending || *body.State > Accepted) {
		check.Refuse("body", "state", "Should be 1, 2 or 3", *body.State)
	}
	if body.ModerationComment != nil {
		text(&check, "moderationComment", *body.ModerationComment)
	}
	if err := check.Err(); err != nil {
		return err
	}
	if err := s.Update(c.Request().Context(), id, Change{State: body.State, ModerationComment: body.ModerationComment}); err != nil {
		return problem(err)
	}
	return rest.NoContent(c)
}

func (s *Service) remove(c echo.Context) error {
	id, err := abuseID(c)
	if err != nil {
		return err
	}
	if err := s.Delete(c.Request().Context(), id); err != nil {
		return problem(err)
	}
	return rest.NoContent(c)
}

func (s *Service) getMessages(c echo.Context) error {
	id, err := abuseID(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	list, err := s.Messages(ctx, rest.Current(ctx), id)
	if err != nil {
		return problem(err)
	}
	out, err := s.messagesToAPI(ctx, list)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, rest.NewList(int64(len(out)), out))
}

func (s *Service) postMessage(c echo.Context) error {
	id, err := abuseID(c)
	if err != nil {
		return err
	}
	var body struct {
		Message string `json:"message"`
	}
	if err := decode(c, &body); err != nil {
		return err
	}
	var check rest.Checker
	text(&check, "message", body.Message)
	if err := check.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	m, err := s.Say(ctx, rest.Current(ctx), id, body.Message)
	if err != nil {
		return problem(err)
	}
	return c.JSON(http.StatusOK, map[string]any{"abuseMessage": map[string]any{"id": m.ID}})
}

func (s *Service) deleteMessage(c echo.Context) error {
	id, err := abuseID(c)
	if err != nil {
		return err
	}
	message, err := rest.ParamID(c, "message", "Abuse message not found")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := s.Unsay(ctx, rest.Current(ctx), id, message); err != nil {
		return problem(err)
	}
	return rest.NoContent(c)
}
