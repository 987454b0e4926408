package watchedword

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// maxBody holds a full list, however its words are written: 500 of 100 characters
// are up to 600 KB with escapes.
const maxBody = 5 << 20

// scope tells for whom a request is: the id of an account, or Instance.
type scope func(c echo.Context) (int64, error)

// Routes registers the REST endpoints.
func (s *Service) Routes(r *rest.Router) {
	for _, part := range []struct {
		path   string
		access rest.Access
		of     scope
	}{
		{"/accounts/:accountName", rest.Owner, s.own},
		{"/server", rest.Moderator, func(echo.Context) (int64, error) { return Instance, nil }},
	} {
		lists := "/watched-words" + part.path + "/lists"
		r.API.GET(lists, part.access, s.list(part.of))
		r.API.POST(lists, part.access, s.add(part.of))
		r.API.PUT(lists+"/:listId", part.access, s.update(part.of))
		r.API.DELETE(lists+"/:listId", part.access, s.remove(part.of))
		r.API.GET("/automatic-tags"+part.path+"/available", part.access, s.available(part.of))
		policy, field := "/automatic-tags/policies"+part.path+"/comments", "review"
		if part.access == rest.Moderator {
			policy, field = "/automatic-tags/policies"+part.path+"/videos", "autoBlock"
		}
		r.API.GET(policy, part.access, s.policy(part.of, field))
		r.API.PUT(policy, part.access, s.setPolicy(part.of, field))
	}
}

func problem(err error) error {
	switch {
	case errors.Is(err, ErrNotFound):
		return rest.NotFound("Watched words list not found")
	case errors.Is(err, ErrTaken):
		return rest.Conflict("A watched words list with this name already exists")
	case errors.Is(err, ErrTooMany):
		return rest.Conflict("No more than 100 watched words lists are possible")
	}
	return err
}

// own is the account that a request names, of which who asks must be the owner
// (SEC-44).
func (s *Service) own(c echo.Context) (int64, error) {
	ctx := c.Request().Context()
	handle, err := url.PathUnescape(c.Param("accountName"))
	if err != nil {
		return 0, rest.NotFound("Account not found")
	}
	a, err := s.o.Channels.AccountByHandle(ctx, handle)
	if errors.Is(err, db.ErrNotFound) {
		return 0, rest.NotFound("Account not found")
	}
	if err != nil {
		return 0, err
	}
	if a.ID != rest.Current(ctx).AccountID {
		return 0, rest.Forbidden("Only the owner of this account can access this resource.")
	}
	return a.ID, nil
}

// apiList is a list in the API (OpenAPI WatchedWordsLists).
type apiList struct {
	ID        int64        `json:"id"`
	ListName  string       `json:"listName"`
	Words     []string     `json:"words"`
	UpdatedAt channel.Time `json:"updatedAt"`
	CreatedAt channel.Time `json:"createdAt"`
}

func (s *Service) list(of scope) echo.HandlerFunc {
	return func(c echo.Context) error {
		page, err := rest.ParsePage(c, "-createdAt", "createdAt", "updatedAt", "listName")
		if err != nil {
			return err
		}
		account, err := of(c)
		if err != nil {
			return err
		}
		rows, total, err := s.Lists(c.Request().Context(), account, page)
		if err != nil {
			return err
		}
		out := make([]apiList, len(rows))
		for i := range rows {
			l := &rows[i]
			out[i] = apiList{l.ID, l.Name, l.words(), channel.Time(l.UpdatedAt), channel.Time(l.CreatedAt)}
		}
		return c.JSON(http.StatusOK, rest.NewList(total, out))
	}
}

// body is a list as a client sends it.
type body struct {
	ListName input.Optional[string]   `json:"listName"`
	Words    input.Optional[[]string] `json:"words"`
}

// check cleans what was sent. What is not sent is an error unless some may be
// left out.
func (b *body) check(some bool) error {
	var check rest.Checker
	if b.ListName.Set || !some {
		name := input.Line(b.ListName.Value)
		if n := utf8.RuneCountInString(name); n < 1 || n > maxName || name == ExternalLink {
			check.Refuse("body", "listName", "Should have between 1 and 100 characters, and be no other tag", b.ListName.Value)
		}
		b.ListName.Value = name
	}
	if b.Words.Set || !some {
		var words []string
		for _, w := range b.Words.Value {
			w = input.Line(w)
			if n := utf8.RuneCountInString(w); n < 1 || n > maxWord || len(fold(w)) == 0 {
				check.Refuse("body", "words", "Should each have between 1 and 100 characters", w)
				break
			}
			if !slices.Contains(words, w) {
				words = append(words, w)
			}
			if len(words) > maxWords {
				break
			}
		}
		if len(words) == 0 || len(words) > maxWords {
			check.Refuse("body", "words", "Should be 1 to 500 words", len(b.Words.Value))
		}
		b.Words.Value = words
	}
	return check.Err()
}

func (s *Service) add(of scope) echo.HandlerFunc {
	return func(c echo.Context) error {
		account, err := of(c)
		if err != nil {
			return err
		}
		var b body
		if err := input.JSONUpTo(c, &b, maxBody); err != nil {
			return err
		}
		if err := b.check(false); err != nil {
			return err
		}
		l, err := s.Add(c.Request().Context(), account, b.ListName.Value, b.Words.Value)
		if err != nil {
			return problem(err)
		}
		return c.JSON(http.StatusOK, map[string]any{"watchedWordsList": map[string]int64{"id": l.ID}})
	}
}

func (s *Service) update(of scope) echo.HandlerFunc {
	return func(c echo.Context) error {
		account, err := of(c)
		if err != nil {
			return err
		}
		id, err := rest.ParamID(c, "listId", "Watched words list not found")
		if err != nil {
			return err
		}
		var b body
		if err := input.JSONUpTo(c, &b, maxBody); err != nil {
			return err
		}
		if err := b.check(true); err != nil {
			return err
		}
		change := Change{Words: b.Words.Value}
		if b.ListName.Set {
			change.Name = &b.ListName.Value
		}
		if err := s.Update(c.Request().Context(), account, id, change); err != nil {
			return problem(err)
		}
		return rest.NoContent(c)
	}
}

func (s *Service) remove(of scope) echo.HandlerFunc {
	return func(c echo.Context) error {
		account, err := of(c)
		if err != nil {
			return err
		}
		id, err := rest.ParamID(c, "listId", "Watched words list not found")
		if err != nil {
			return err
		}
		if err := s.Delete(c.Request().Context(), account, id); err != nil {
			return problem(err)
		}
		return rest.NoContent(c)
	}
}

func (s *Service) available(of scope) echo.HandlerFunc {
	return func(c echo.Context) error {
		account, err := of(c)
		if err != nil {
			return err
		}
		tags, err := s.Available(c.Request().Context(), account)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, map[string][]Available{"available": tags})
	}
}

func (s *Service) policy(of scope, field string) echo.HandlerFunc {
	return func(c echo.Context) error {
		account, err := of(c)
		if err != nil {
			return err
		}
		names, err := s.Policy(c.Request().Context(), account)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, map[string][]string{field: names})
	}
}

func (s *Service) setPolicy(of scope, field string) echo.HandlerFunc {
	return func(c echo.Context) error {
		account, err := of(c)
		if err != nil {
			return err
		}
		var b struct {
			Review, AutoBlock input.Optional[[]string]
		}
		if err := input.JSON(c, &b); err != nil {
			return err
		}
		names := b.Review
		if field == "autoBlock" {
			names = b.AutoBlock
		}
		if !names.Given() || len(names.Value) > maxLists+1 {
			return rest.Invalid("body", field, "Should be a list of automatic tags", nil)
		}
		if err := s.SetPolicy(c.Request().Context(), account, names.Value); errors.Is(err, ErrUnknown) {
			return rest.Invalid("body", field, "Should be available automatic tags", names.Value)
		} else if err != nil {
			return problem(err)
		}
		return rest.NoContent(c)
	}
}
