package activitypub

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/web/rest"
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
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

func refuse(status int, label string, err error) error { return &refusal{status, label, err} }

// postSharedInbox is POST /inbox.
func (e *Engine) postSharedInbox(c echo.Context) error { return e.postInbox(c) }

// postOwnInbox is POST to the inbox of one of our actors.
func (e *Engine) postOwnInbox(c echo.Context) error {
	a, err := e.Actors.ByUsername(c.Request().Context(), c.Param("name"))
	if err != nil {
		return notFound(err, "Actor not found")
	}
	if a.GoneAt != nil {
		return &rest.Problem{Status: http.StatusGone, Detail: "Actor is gone"}
	}
	return e.postInbox(c)
}

// postInbox accepts an activity: 204 once it is committed (REL-01), 202 when
// there is nothing to do, else a problem.
func (e *Engine) postInbox(c echo.Context) error {
	in := &incoming{req: c.Request(), remote: c.RealIP()}
	err := e.receive(in)
	switch {
	case err == nil && in.ignored:
		e.metrics.inbox.WithLabelValues("ignored").Inc()
		return c.NoContent(http.StatusAccepted)
	case err == nil && in.repeat:
		e.metrics.inbox.WithLabelValues("repeat").Inc()
		return c.NoContent(http.StatusNoContent)
	case err == nil:
		e.metrics.inbox.WithLabelValues("accepted").Inc()
		return c.NoContent(http.StatusNoContent)
	}
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		return err
	}
	e.metrics.inbox.WithLabelValues(r.label).Inc()
	e.log.InfoContext(c.Request().Context(), "activity refused", "reason", r.label, "error", r.err)
	p := &rest.Problem{Status: r.status, Detail: http.StatusText(r.status)}
	if r.status == http.StatusTooManyRequests {
		p.Header = map[string]string{"Retry-After": "60"}
	}
	return p
}

// receive takes a request through all stages. go-fed's scaffold calls them
// for the activities that it knows; the others are taken through here, since
// it would answer 400 to them (ARCHITECTURE 10).
func (e *Engine) receive(in *incoming) error {
	if !e.o.Federation.Enabled {
		return refuse(http.StatusForbidden, "blocked", errors.New("federation is switched off"))
	}
	if err := e.read(in); err != nil {
		return err
	}
	ctx := in.req.Context()
	if vocab.Known(in.env.Type) && in.env.Doc.Has("@context") {
		if err := e.throughGofed(ctx, in); err != nil {
			return err
		}
	}
	if in.ignored || in.stored {
		return nil
	}
	if in.signer == nil {
		if err := e.authenticate(ctx, in); err != nil || in.ignored {
			return err
		}
	}
	if err := e.authorize(ctx, in); err != nil {
		return err
	}
	return e.store(ctx, in)
}

// read takes the body and the envelope from the request.
func (e *Engine) read(in *incoming) error {
	if !transport.IsActivity(in.req.Header.Get("Content-Type")) { // SEC-32
		return refuse(http.StatusUnsupportedMediaType, "type", fmt.Errorf("content type %q", in.req.Header.Get("Content-Type")))
	}
	if e.failures.over(network(in.remote)) { // SEC-33
		return refuse(http.StatusTooManyRequests, "limited", errors.New("too many failures from this address"))
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, in.req.Body, maxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return refuse(http.StatusRequestEntityTooLarge, "too_large", err)
		}
		return refuse(http.StatusBadRequest, "invalid", err)
	}
	in.body = body
	if in.params, err = signature.Parse(in.req); err != nil {
		return e.unsigned(in, err)
	}
	if err := e.policy.Check(in.req, in.params, body); err != nil {
		return e.unsigned(in, err)
	}
	if in.env, err = vocab.ParseActivity(body); err != nil {
		return refuse(http.StatusBadRequest, "invalid", err)
	}
	return nil
}

// unsigned is 401 for everything that is wrong with a signature (SEC-01).
func (e *Engine) unsigned(in *incoming, err error) error {
	e.failures.add(network(in.remote))
	label := string(signature.ReasonOf(err))
	if label == "" {
		label = "key"
	}
	return refuse(http.StatusUnauthorized, label, err)
}

// authenticate finds the signer.
func (e *Engine) authenticate(ctx context.Context, in *incoming) error {
	if e.Actors.IsLocal(in.env.Actor) || e.Actors.IsLocal(in.env.ID) && !namedByObject(in.env) { // SEC-13
		return refuse(http.StatusForbidden, "origin", fmt.Errorf("%s by %s claims to be ours", in.env.ID, in.env.Actor))
	}
	if e.blocked(ctx, iri.Host(in.env.Actor)) || e.blocked(ctx, iri.Host(iri.WithoutFragment(in.params.KeyID))) {
		return refuse(http.StatusForbidden, "blocked", errors.New("host is blocked"))
	}
	if in.env.Type == "Delete" && in.env.ObjectID() == in.env.Actor {
		// SEC-34: the key of a deleted actor cannot be fetched any more, and
		// who is not known here has nothing to delete.
		_, err := e.Actors.ByIRI(ctx, in.env.Actor)
		if in.ignored = errors.Is(err, ErrNotFound); in.ignored {
			return nil
		}
	}
	known, err := e.Actors.KnownKey(ctx, in.params.KeyID)
	if err != nil {
		return err
	}
	a, key, err := e.Actors.KeyOf(transport.WithBudget(ctx, keyBudget), in.params.KeyID)
	if errors.Is(err, actor.ErrStore) {
		return err // REL-06: not the sender's fault
	}
	if err != nil {
		return e.unsigned(in, err)
	}
	err = e.policy.Verify(in.req, in.params, key)
	if signature.ReasonOf(err) == signature.ReasonMismatch && known { // SEC-08
		a, err = e.verifyAnew(ctx, in, key, err)
	}
	if err != nil {
		return e.unsigned(in, err)
	}
	in.signer = a
	return nil
}

// keyBudget bounds the fetches for one unproven request: a key, its owner and
// their redirects.
const keyBudget = 6

// verifyAnew asks once for a rotated key after the known one did not fit.
func (e *Engine) verifyAnew(ctx context.Context, in *incoming, old crypto.PublicKey, mismatch error) (*actor.Actor, error) {
	a, key, err := e.Actors.RefetchKey(transport.WithBudget(ctx, keyBudget), in.params.KeyID)
	if err != nil {
		e.log.DebugContext(ctx, "key not fetched again", "key", in.params.KeyID, "error", err)
		return nil, mismatch
	}
	if k, ok := old.(interface{ Equal(crypto.PublicKey) bool }); ok && k.Equal(key) {
		return nil, mismatch
	}
	return a, e.policy.Verify(in.req, in.params, key)
}

// authorize checks who may say this: the activity's id and actor are on one
// host (SEC-12). A signer other than the actor is a messenger, whose word is
// not taken (SEC-11); process asks the origin.
func (e *Engine) authorize(_ context.Context, in *incoming) error {
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

// inboxRow is a row of the table inbox.
type inboxRow struct {
	ID         int64 `gorm:"primaryKey"`
	ActivityID string
	Actor      string
	Signer     string
	Host       string
	Type       string
	Object     string
	Proof      string
	Raw        string
	State      string
	Attempts   int
	LastError  string
	NextAt     time.Time
	ReceivedAt time.Time
	DoneAt     *time.Time
}

func (inboxRow) TableName() string { return "inbox" }

// The states of a row.
const (
	inboxWaiting = "waiting"
	inboxActive  = "active"
	inboxDone    = "done"
	inboxDropped = "dropped"
	inboxDead    = "dead"
)

// store commits the activity together with the job that will take it
// (REL-01). A repeat, or the same request replayed, changes nothing (SEC-07).
func (e *Engine) store(ctx context.Context, in *incoming) error {
	sum := sha256.Sum256(in.params.Signature)
	row := newInboxRow(in.env, in.signer.IRI, hex.EncodeToString(sum[:]), string(in.body))
	return e.db.Tx(ctx, func(tx *db.Tx) error {
		fresh, err := insertInbox(tx, row)
		in.stored, in.repeat = err == nil, err == nil && !fresh
		return err
	})
}

func newInboxRow(env vocab.Envelope, signer, proof, raw string) *inboxRow {
	now, id := db.Now(), env.ID
	if env.Type == "View" {
		// PeerTube gives all Views of a viewer one id, first and later ones
		// (PT federation 2), so here the signature alone tells repeats.
		id += " " + proof
	}
	return &inboxRow{
		ActivityID: id, Actor: env.Actor, Signer: signer, Host: iri.Host(env.Actor), Type: env.Type,
		Object: env.ObjectID(), Proof: proof, Raw: raw, State: inboxWaiting, NextAt: now, ReceivedAt: now,
	}
}

func insertInbox(tx *db.Tx, row *inboxRow) (fresh bool, err error) {
	row.ID = 0
	res := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(row)
	if res.Error != nil {
		return false, fmt.Errorf("store activity: %w", res.Error)
	}
	if res.RowsAffected == 0 {
		return false, nil
	}
	return true, jobs.Insert(tx, ProcessArgs{}, jobs.Unique("now"))
}

// notFound makes a 404 of ErrNotFound and leaves other errors.
func notFound(err error, detail string) error {
	if errors.Is(err, ErrNotFound) {
		return rest.NotFound(detail)
	}
	return err
}

// perMinute counts events per name in windows of a minute.
type perMinute struct {
	limit int
	now   func() time.Time
	mu    sync.Mutex
	start time.Time
	n     map[string]int
}

// Limits a minute; maxNames bounds the memory.
const (
	maxFailures = 60  // refused signatures of one client address (SEC-33)
	maxHints    = 100 // activities asked for at one host because others brought them (SEC-29)
	maxNames    = 50_000
)

func newPerMinute(limit int, now func() time.Time) *perMinute {
	if now == nil {
		now = time.Now
	}
	return &perMinute{limit: limit, now: now, n: map[string]int{}}
}

func (p *perMinute) over(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn()
	return p.n[name] >= p.limit
}

func (p *perMinute) add(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn()
	if len(p.n) < maxNames {
		p.n[name]++
	}
}

func (p *perMinute) turn() {
	if t := p.now(); t.Sub(p.start) >= time.Minute || t.Before(p.start) {
		p.start = t
		clear(p.n)
	}
}

// network counts an IPv6 client by its /64.
func network(address string) string {
	ip := net.ParseIP(address)
	if ip == nil || ip.To4() != nil {
		return address
	}
	return ip.Mask(net.CIDRMask(64, 128)).String() + "/" + strconv.Itoa(64)
}
