package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// ErrRange says that a server gave something else than the part asked for.
var ErrRange = errors.New("answer is not the part asked for")

// span is a part of a file (RFC 9110 14).
type span struct{ from, n int64 }

// ask demands the part, and no compression: it would be a part of something
// else.
func (s *span) ask(req *http.Request) {
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", s.from, s.from+s.n-1))
	req.Header.Set("Accept-Encoding", "identity")
}

func (s *span) answered(resp *http.Response) bool {
	return resp.StatusCode == http.StatusPartialContent &&
		strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-%d/", s.from, s.from+s.n-1))
}

// GetRange fetches n bytes of a file, from an offset on: large files are fetched
// in parts, each within the limits of any fetch. A file that ends before is
// ErrRange.
func (c *Client) GetRange(ctx context.Context, address string, from, n int64) ([]byte, error) {
	body, _, err := c.fetch(ctx, request{method: http.MethodGet, url: address, accept: "*/*", limit: n, span: &span{from, n}})
	if err == nil && int64(len(body)) != n {
		err = ErrRange
	}
	if err != nil {
		return nil, fmt.Errorf("get %d bytes of %s: %w", n, address, err)
	}
	return body, nil
}
