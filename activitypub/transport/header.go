package transport

import (
	"context"
	"net/http"
)

type headerKey struct{}

// WithHeader has the requests made with the returned context carry one more
// header. It is for extensions of deliveries; headers of the protocol are not
// replaced.
func WithHeader(ctx context.Context, name, value string) context.Context {
	h := http.Header{}
	if outer, ok := ctx.Value(headerKey{}).(http.Header); ok {
		h = outer.Clone()
	}
	h.Set(name, value)
	return context.WithValue(ctx, headerKey{}, h)
}

// addHeaders copies what WithHeader asked for.
func addHeaders(req *http.Request) {
	h, ok := req.Context().Value(headerKey{}).(http.Header)
	if !ok {
		return
	}
	for name, values := range h {
		if _, taken := req.Header[name]; !taken && name != "Host" && name != "Signature" && name != "Digest" && name != "Date" {
			req.Header[name] = values
		}
	}
}
