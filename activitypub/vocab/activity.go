package vocab

import (
	"encoding/json"
	"fmt"

	"github.com/kinemesh/kinemesh/activitypub/iri"
)

// Envelope is what an activity says about itself. Nothing in it has been
// proven yet.
type Envelope struct {
	ID, Type string
	Actor    string
	// Object is the embedded object, or one that holds only an id when the
	// activity names it by IRI; zero when there is none.
	Object   Object
	Embedded bool // Object came with the activity
	To, Cc   []string
	Doc      Object
	// Received are the bytes as received when Doc is another form of them.
	Received json.RawMessage
}

// Raw gives the bytes as received.
func (e Envelope) Raw() json.RawMessage {
	if e.Received != nil {
		return e.Received
	}
	return e.Doc.Raw()
}

// ParseActivity reads an activity from outside (SEC-30, SEC-32): one type,
// one actor, an id; the object when there is one.
func ParseActivity(raw []byte) (Envelope, error) {
	doc, err := Parse(raw)
	if err != nil {
		return Envelope{}, err
	}
	return Activity(doc)
}

// Activity reads the envelope of a document that is parsed already.
func Activity(doc Object) (Envelope, error) {
	e := Envelope{ID: doc.ID(), Type: doc.Type(), Doc: doc, To: doc.To(), Cc: doc.Cc()}
	switch actors := doc.IRIs("actor"); {
	case e.ID == "":
		return Envelope{}, fmt.Errorf("%w: activity without a valid id", ErrInvalid)
	case e.Type == "" || len(e.Type) > maxType:
		return Envelope{}, fmt.Errorf("%w: activity without a type", ErrInvalid)
	case len(actors) != 1: // SEC-12: a second actor could borrow the first one's signature
		return Envelope{}, fmt.Errorf("%w: %d actors", ErrInvalid, len(actors))
	default:
		e.Actor = actors[0]
	}
	if in, ok := doc.Object("object"); ok {
		e.Object, e.Embedded = in, true
	} else if id := doc.IRI("object"); id != "" {
		e.Object = FromIRI(id)
	}
	return e, nil
}

// maxType is longer than any type in use.
const maxType = 64

// ObjectID gives the id of the object, "" when it has none.
func (e Envelope) ObjectID() string { return e.Object.ID() }

// OnHost tells whether the activity's id and actor lie on one host (SEC-12).
func (e Envelope) OnHost() bool { return iri.SameHost(e.ID, e.Actor) }
