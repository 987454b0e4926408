package inbox

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/go-fed/activity/pub"
	"github.com/go-fed/activity/streams/vocab"

	"github.com/kinemesh/kinemesh/activitypub/transport"
)

// delegate lets go-fed's actor drive our inbox stages in the order of AP 7:
// authenticate, authorise, store. Its own storage, side effects, delivery and
// client-to-server half stay unused (ARCHITECTURE 10).
type delegate struct{ b *Inbox }

var _ pub.DelegateActor = (*delegate)(nil)

// errUnused is the answer of the half of the interface that is not in use.
var errUnused = errors.New("not in use")

type incomingKey struct{}

func incomingOf(ctx context.Context) *incoming {
	in, _ := ctx.Value(incomingKey{}).(*incoming)
	return in
}

// throughGofed runs the stages by go-fed. It gets the envelope alone: a video
// of 12 kB as go-fed's types would cost more than all checks together, and
// nobody would look at them. When it cannot read the activity, it writes an
// answer that goes nowhere, in.stored stays false, and the caller takes the
// stages itself.
func (b *Inbox) throughGofed(ctx context.Context, in *incoming) error {
	ctx = context.WithValue(ctx, incomingKey{}, in)
	envelope, err := json.Marshal(map[string]string{
		"@context": "https://www.w3.org/ns/activitystreams", "type": in.env.Type, "id": in.env.ID, "actor": in.env.Actor,
		"object": cmp.Or(in.env.ObjectID(), in.env.ID), // go-fed wants one
	})
	if err != nil {
		return err
	}
	// The content type was checked before, in more spellings than go-fed knows.
	r := (&http.Request{
		Method: http.MethodPost, URL: in.req.URL, Body: io.NopCloser(bytes.NewReader(envelope)),
		Header: http.Header{"Content-Type": {transport.ActivityJSON}},
	}).WithContext(ctx)
	_, err = b.gofed.PostInbox(ctx, nowhere{http.Header{}}, r)
	if _, ok := errors.AsType[*refusal](err); ok {
		return err
	}
	if err != nil {
		b.log.DebugContext(ctx, "go-fed cannot read an activity", "activity", in.env.ID, "error", err)
	}
	return nil
}

// nowhere drops what go-fed answers.
type nowhere struct{ h http.Header }

func (n nowhere) Header() http.Header         { return n.h }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}

// AuthenticatePostInbox checks the signature.
func (d *delegate) AuthenticatePostInbox(ctx context.Context, _ http.ResponseWriter, _ *http.Request) (context.Context, bool, error) {
	in := incomingOf(ctx)
	if err := d.b.authenticate(ctx, in); err != nil {
		return ctx, false, err
	}
	return ctx, !in.ignored, nil
}

// PostInboxRequestBodyHook does nothing.
func (d *delegate) PostInboxRequestBodyHook(ctx context.Context, _ *http.Request, _ pub.Activity) (context.Context, error) {
	return ctx, nil
}

// AuthorizePostInbox checks who may say this.
func (d *delegate) AuthorizePostInbox(ctx context.Context, _ http.ResponseWriter, _ pub.Activity) (bool, error) {
	err := d.b.authorize(ctx, incomingOf(ctx))
	return err == nil, err
}

// PostInbox stores the activity as it was received.
func (d *delegate) PostInbox(ctx context.Context, _ *url.URL, _ pub.Activity) error {
	return d.b.store(ctx, incomingOf(ctx))
}

// InboxForwarding does nothing here: modules forward what is theirs.
func (d *delegate) InboxForwarding(context.Context, *url.URL, pub.Activity) error { return nil }

// PostOutboxRequestBodyHook is not in use.
func (d *delegate) PostOutboxRequestBodyHook(ctx context.Context, _ *http.Request, _ vocab.Type) (context.Context, error) {
	return ctx, errUnused
}

// AuthenticateGetInbox is not in use.
func (d *delegate) AuthenticateGetInbox(ctx context.Context, _ http.ResponseWriter, _ *http.Request) (context.Context, bool, error) {
	return ctx, false, errUnused
}

// PostOutbox is not in use.
func (d *delegate) PostOutbox(context.Context, pub.Activity, *url.URL, map[string]any) (bool, error) {
	return false, errUnused
}

// AddNewIDs is not in use.
func (d *delegate) AddNewIDs(context.Context, pub.Activity) error { return errUnused }

// Deliver is not in use.
func (d *delegate) Deliver(context.Context, *url.URL, pub.Activity) error { return errUnused }

// AuthenticatePostOutbox is not in use.
func (d *delegate) AuthenticatePostOutbox(ctx context.Context, _ http.ResponseWriter, _ *http.Request) (context.Context, bool, error) {
	return ctx, false, errUnused
}

// AuthenticateGetOutbox is not in use.
func (d *delegate) AuthenticateGetOutbox(ctx context.Context, _ http.ResponseWriter, _ *http.Request) (context.Context, bool, error) {
	return ctx, false, errUnused
}

// WrapInCreate is not in use.
func (d *delegate) WrapInCreate(context.Context, vocab.Type, *url.URL) (vocab.ActivityStreamsCreate, error) {
	return nil, errUnused
}

// GetOutbox is not in use.
func (d *delegate) GetOutbox(context.Context, *http.Request) (vocab.ActivityStreamsOrderedCollectionPage, error) {
	return nil, errUnused
}

// GetInbox is not in use.
func (d *delegate) GetInbox(context.Context, *http.Request) (vocab.ActivityStreamsOrderedCollectionPage, error) {
	return nil, errUnused
}
