package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/web/rest"
)

// maxBody is far above all texts of an instance together.
const maxBody = 2 << 20

// maxText is the length of one text in bytes.
const maxText = 100_000

// Routes registers the custom configuration.
func (s *Store) Routes(r *rest.Router) {
	r.API.GET("/config/custom", rest.Admin, s.get)
	r.API.PUT("/config/custom", rest.Admin, s.put)
	r.API.DELETE("/config/custom", rest.Admin, s.delete)
}

func (s *Store) get(c echo.Context) error {
	if err := s.Load(c.Request().Context()); err != nil { // another process may have changed them just now
		return err
	}
	return c.JSON(http.StatusOK, Document(s.o.Config.Current()))
}

// Document is the custom configuration of the API: what holds now.
func Document(cfg *config.Config) map[string]any {
	doc := map[string]any{}
	for path, v := range absent() {
		put(doc, path, v)
	}
	for _, path := range editable() {
		if v, ok := cfg.Value(keyOf(path)); ok {
			put(doc, path, v)
		}
	}
	if cfg.Defaults.Publish.Licence == 0 {
		put(doc, "defaults.publish.licence", nil)
	}
	return doc
}

func (s *Store) put(c echo.Context) error {
	if !s.o.Config.Webadmin.Configuration.Edition.Allowed {
		return &rest.Problem{Status: http.StatusMethodNotAllowed, Detail: "The settings are changed in the file alone on this server"}
	}
	d := json.NewDecoder(http.MaxBytesReader(c.Response(), c.Request().Body, maxBody))
	d.UseNumber()
	var doc map[string]any
	if err := d.Decode(&doc); err != nil || doc == nil {
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			return err
		}
		return rest.BadRequest("The body is to be a JSON object")
	}
	values, err := s.read(c, doc)
	if err != nil {
		return err
	}
	if err := s.Set(c.Request().Context(), rest.Current(c.Request().Context()), values); err != nil {
		return refused(err)
	}
	return s.get(c)
}

// read finds the values of a document. What it leaves out stays as it is;
// names that nobody knows are ignored.
func (s *Store) read(c echo.Context, doc map[string]any) (map[string]any, error) {
	values, err := s.changed(c.Request().Context())
	if err != nil {
		return nil, err
	}
	if publish, ok := at(doc, "defaults.publish"); ok {
		if m, ok := publish.(map[string]any); ok && has(m, "licence") && m["licence"] == nil {
			m["licence"] = 0 // none
		}
	}
	var check rest.Checker
	known := map[string]bool{}
	for _, path := range editable() {
		key := keyOf(path)
		if _, known[path] = s.o.Config.Value(key); !known[path] {
			continue
		}
		v, ok := at(doc, path)
		if !ok {
			continue
		}
		if text, isText := v.(string); isText && len(text) > maxText {
			check.Refuse("body", path, fmt.Sprintf("Should have at most %d bytes", maxText), v)
			continue
		}
		if bad := s.o.Config.CheckValue(key, v); bad != nil {
			check.Refuse("body", path, "Should be "+bad.Allowed, v)
			continue
		}
		values[key] = v
	}
	for path, off := range absent() {
		if v, ok := at(doc, path); ok && !known[path] && !same(v, off) {
			check.Refuse("body", path, fmt.Sprintf("Should be %v: this server does not have the feature", off), v)
		}
	}
	return values, check.Err()
}

func has(m map[string]any, name string) bool {
	_, ok := m[name]
	return ok
}

// refused answers 400 for values that do not go together.
func refused(err error) error {
	bad, ok := errors.AsType[*config.ValueError](err)
	if !ok {
		return err
	}
	for _, path := range editable() {
		if keyOf(path) == bad.Key {
			return rest.Invalid("body", path, "Should be "+bad.Allowed, bad.Value)
		}
	}
	return rest.Invalid("body", bad.Key, "Should be "+bad.Allowed, bad.Value)
}

func (s *Store) delete(c echo.Context) error {
	if err := s.Set(c.Request().Context(), rest.Current(c.Request().Context()), map[string]any{}); err != nil {
		return refused(err)
	}
	return s.get(c)
}
