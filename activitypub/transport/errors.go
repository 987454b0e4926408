package transport

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Errors of a request, tested with errors.Is.
var (
	ErrURL         = errors.New("URL may not be fetched")
	ErrAddress     = errors.New("address may not be contacted")
	ErrPort        = errors.New("port may not be contacted")
	ErrRedirect    = errors.New("redirect refused")
	ErrTooLarge    = errors.New("answer is too large")
	ErrContentType = errors.New("answer has the wrong content type")
	ErrBudget      = errors.New("too many requests for one activity")
	ErrBlocked     = errors.New("host is blocked")
)

// StatusError is an answer outside of 2xx.
type StatusError struct {
	Code int
	// RetryAfter is what the server asked for, 0 when it did not.
	RetryAfter time.Duration
}

func (e *StatusError) Error() string { return fmt.Sprintf("answered %d", e.Code) }

// Gone tells whether err says that the thing is gone for good: 404 or 410.
func Gone(err error) bool {
	s, ok := errors.AsType[*StatusError](err)
	return ok && (s.Code == http.StatusNotFound || s.Code == http.StatusGone)
}

// Temporary tells whether trying again later can help. What this server
// itself refuses (address, type, size) and most 4xx answers stay as they are.
func Temporary(err error) bool {
	for _, final := range []error{ErrURL, ErrPort, ErrAddress, ErrRedirect, ErrTooLarge, ErrContentType, ErrBlocked} {
		if errors.Is(err, final) {
			return false
		}
	}
	if s, ok := errors.AsType[*StatusError](err); ok {
		return s.Code >= 500 || s.Code == http.StatusTooManyRequests || s.Code == http.StatusRequestTimeout ||
			s.Code == http.StatusUnauthorized || s.Code == http.StatusForbidden
	}
	return true
}

// maxRetryAfter bounds what a server may ask for.
const maxRetryAfter = 24 * time.Hour

func statusError(r *http.Response, now time.Time) error {
	e := &StatusError{Code: r.StatusCode}
	v := r.Header.Get("Retry-After") // RFC 9110 10.2.3: seconds or a date
	if n, err := strconv.Atoi(v); err == nil {
		e.RetryAfter = time.Duration(min(max(n, 0), int(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(v); err == nil {
		e.RetryAfter = min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return e
}
