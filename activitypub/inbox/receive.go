package inbox

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
)

// maxBody is the largest activity (SEC-32).
const maxBody = 1 << 20

// incoming is one request to an inbox on its way through the checks.
type incoming struct {
	req    *http.Request
	remote string // client address
	body   []byte
	params *signature.Params
	env    vocab.Envelope
	many   []vocab.Envelope // of a collection; env is the first of them
	signer *actor.Actor

	ignored bool // nothing to do, but the sender need not know
	stored  bool
	repeat  bool
}

// refusal is why a request is not accepted: an HTTP status and a metric label.
type refusal struct {
	status int
	label  string
	err    error
	after  time.Duration // of 429: when to come again
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

func refuse(status int, label string, err error) error {
	return &refusal{status: status, label: label, err: err}
}

// Post accepts an activity: 204 once it is committed (REL-01), 202 when
// there is nothing to do, else a problem.
func (b *Inbox) Post(c echo.Context) error {
	in := &incoming{req: c.Request(), remote: c.RealIP()}
	err := b.receive(in)
	switch {
	case err == nil && in.ignored:
		b.metrics.requests.WithLabelValues("ignored").Inc()
		return c.NoContent(http.StatusAccepted)
	case err == nil && in.repeat:
		b.metrics.requests.WithLabelValues("repeat").Inc()
		return c.NoContent(http.StatusNoContent)
	case err == nil:
		b.metrics.requests.WithLabelValues("accepted").Inc()
		return c.NoContent(http.StatusNoContent)
	}
	return b.problem(c, err)
}

// receive takes a request through all stages. go-fed's scaffold calls them
// for the activities that it knows; the others are taken through here, since
// it would answer 400 to them (ARCHITECTURE 10).
func (b *Inbox) receive(in *incoming) error {
	if !b.o.Enabled {
		return refuse(http.StatusForbidden, "blocked", errors.New("federation is switched off"))
	}
	if err := b.read(in); err != nil {
		return err
	}
	ctx := in.req.Context()
	if vocab.Known(in.env.Type) && in.many == nil {
		if err := b.throughGofed(ctx, in); err != nil {
			return err
		}
	}
	if in.ignored || in.stored {
		return nil
	}
	if in.signer == nil {
		if err := b.authenticate(ctx, in); err != nil || in.ignored {
			return err
		}
	}
	if in.many != nil {
		return b.storeMany(ctx, in)
	}
	if err := b.authorize(ctx, in); err != nil {
		return err
	}
	return b.store(ctx, in)
}

// read takes the body and the envelope from the request.
func (b *Inbox) read(in *incoming) error {
	if !transport.IsActivity(in.req.Header.Get("Content-Type")) { // SEC-32
		return refuse(http.StatusUnsupportedMediaType, "type", fmt.Errorf("content type %q", in.req.Header.Get("Content-Type")))
	}
	if b.failures.over(network(in.remote)) { // SEC-33
		return refuse(http.StatusTooManyRequests, "limited", errors.New("too many failures from this address"))
	}
	params, err := signature.Parse(in.req)
	if err == nil {
		if err := b.admitted(params.KeyID); err != nil {
			return err
		}
	}
	in.params = params
	body, errBody := io.ReadAll(http.MaxBytesReader(nil, in.req.Body, maxBody))
	if errBody != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](errBody); ok {
			return refuse(http.StatusRequestEntityTooLarge, "too_large", errBody)
		}
		return refuse(http.StatusBadRequest, "invalid", errBody)
	}
	in.body = body
	if err != nil {
		return b.unsigned(in, err)
	}
	if err := b.o.Policy.Check(in.req, in.params, body); err != nil {
		return b.unsigned(in, err)
	}
	if in.env, err = vocab.ParseActivity(body); err != nil {
		if in.many = activitiesOf(body); len(in.many) > 0 {
			in.env = in.many[0]
			return nil
		}
		return refuse(http.StatusBadRequest, "invalid", err)
	}
	return nil
}

// unsigned is 401 for everything that is wrong with a signature (SEC-01).
func (b *Inbox) unsigned(in *incoming, err error) error {
	b.failures.add(network(in.remote))
	label := string(signature.ReasonOf(err))
	if label == "" {
		label = "key"
	}
	return refuse(http.StatusUnauthorized, label, err)
}

// authenticate finds the signer.
func (b *Inbox) authenticate(ctx context.Context, in *incoming) error {
	if err := b.claims(ctx, in); err != nil {
		return err
	}
	if in.env.Type == "Delete" && in.env.ObjectID() == in.env.Actor {
		// SEC-34: the key of a deleted actor cannot be fetched any more, and
		// who is not known here has nothing to delete.
		_, err := b.o.Actors.ByIRI(ctx, in.env.Actor)
		if in.ignored = errors.Is(err, actor.ErrNotFound); in.ignored {
			return nil
		}
	}
	err := b.verify(ctx, in)
	if gone(err) && in.env.Type == "Delete" && in.env.ObjectID() == in.env.Actor && b.o.Gone != nil {
		// The key is gone with its actor, so nothing proves the Delete; but its
		// server can be asked (PT federation 7).
		in.ignored = true
		return b.o.Gone(ctx, in.env.Actor)
	}
	return err
}

// gone tells that the server of a key says that there is none any more.
func gone(err error) bool { return errors.Is(err, actor.ErrGone) || transport.Gone(err) }

// verify finds the key of a request and tries it.
func (b *Inbox) verify(ctx context.Context, in *incoming) error {
	h, known, err := b.keyOf(transport.WithBudget(ctx, keyBudget), in.params.KeyID)
	if errors.Is(err, actor.ErrStore) {
		return err // REL-06: not the sender's fault
	}
	if err != nil {
		return b.unsigned(in, err)
	}
	err = b.o.Policy.Verify(in.req, in.params, h.key)
	if signature.ReasonOf(err) == signature.ReasonMismatch && known { // SEC-08
		h, err = b.verifyAnew(ctx, in, h.key, err)
	}
	if err != nil {
		return b.unsigned(in, err)
	}
	b.keys.put(in.params.KeyID, h)
	in.signer = h.owner
	return nil
}

// keyBudget bounds the fetches for one unproven request: a key, its owner and
// their redirects.
const keyBudget = 6

// verifyAnew asks once for a rotated key after the known one did not fit.
func (b *Inbox) verifyAnew(ctx context.Context, in *incoming, old crypto.PublicKey, mismatch error) (h heldKey, err error) {
	h.owner, h.key, err = b.o.Actors.RefetchKey(transport.WithBudget(ctx, keyBudget), in.params.KeyID)
	if err != nil {
		b.log.DebugContext(ctx, "key not fetched again", "key", in.params.KeyID, "error", err)
		if gone(err) {
			return h, errors.Join(mismatch, err)
		}
		return h, mismatch
	}
	if k, ok := old.(interface{ Equal(crypto.PublicKey) bool }); ok && k.Equal(h.key) {
		return h, mismatch
	}
	return h, b.o.Policy.Verify(in.req, in.params, h.key)
}

// authorize checks who may say this: the activity's id and actor are on one
// host (SEC-12). A signer other than the actor is a messenger, whose word is
// not taken (SEC-11); process asks the origin.
func (b *Inbox) authorize(_ context.Context, in *incoming) error {
	if !in.env.OnHost() && !namedByObject(in.env) {
		return refuse(http.StatusForbidden, "origin", fmt.Errorf("%s by %s: two hosts", in.env.ID, in.env.Actor))
	}
	return nil
}

// namedByObject tells whether an activity is named after its object: when the
// owner of a video deletes a comment below it, PeerTube names the Delete by
// the comment, wherever that lives. The signature is still the actor's.
func namedByObject(env vocab.Envelope) bool {
	return env.Type == "Delete" && env.ObjectID() != "" && env.ID == env.ObjectID()+"/delete"
}
