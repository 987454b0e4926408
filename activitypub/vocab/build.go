package vocab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Build marshals fields, which must become a JSON object without an
// "@context", and puts the context of kind in front. HTML characters are not
// escaped, as JavaScript servers send them.
func Build(kind Kind, fields any) (json.RawMessage, error) {
	var b bytes.Buffer
	b.WriteString(`{"@context":`)
	b.WriteString(contexts[kind])
	rest, err := marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("build document: %w", err)
	}
	if len(rest) < 2 || rest[0] != '{' {
		return nil, fmt.Errorf("%w: %T is no object", ErrInvalid, fields)
	}
	if rest[1] != '}' {
		b.WriteByte(',')
	}
	b.Write(rest[1:])
	return b.Bytes(), nil
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// Time writes a point in time as PeerTube does: UTC with milliseconds.
func Time(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
