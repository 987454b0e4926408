package rest

import "context"

// VideoPasswordHeader carries the password of a protected video.
const VideoPasswordHeader = "X-Peertube-Video-Password" //nolint:gosec // the name of a header

// Guess is a video's password as a request brought it, right or wrong.
type Guess struct {
	Password string // empty: none
	From     string // address of the client
}

type guessKey struct{}

// WithGuess returns a context that carries g.
func WithGuess(ctx context.Context, g Guess) context.Context {
	return context.WithValue(ctx, guessKey{}, g)
}

// CurrentGuess is the video password of the request, empty for one without.
func CurrentGuess(ctx context.Context) Guess {
	g, _ := ctx.Value(guessKey{}).(Guess)
	return g
}
