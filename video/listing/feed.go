package listing

import "github.com/labstack/echo/v4"

// ParseFilter reads the query of a list of videos, for features that answer
// with one in another form.
func (s *Service) ParseFilter(c echo.Context, defaultSort string) (Filter, error) {
	return s.parseFilter(c, defaultSort)
}
