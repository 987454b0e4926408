package torrent

import (
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// maxMagnet bounds a magnet link of another server: a few trackers and web
// seeds.
const maxMagnet = 16 << 10

// maxParams bounds the parameters of a magnet link.
const maxParams = 100

// ErrMagnet means that a text is not a magnet link of a BitTorrent file.
var ErrMagnet = errors.New("invalid magnet link")

// Magnet is a magnet link.
type Magnet struct {
	Torrent  string   // xs: where the .torrent is; without it clients that have no DHT find no metadata
	InfoHash string   // xt: 40 hex digits, lower case
	Name     string   // dn
	Trackers []string // tr
	WebSeeds []string // ws
}

// String writes the link with its parameters in the order of PeerTube.
func (m Magnet) String() string {
	var b strings.Builder
	b.WriteString("magnet:?")
	if m.Torrent != "" {
		b.WriteString("xs=" + escape(m.Torrent) + "&")
	}
	b.WriteString("xt=urn:btih:" + m.InfoHash)
	if m.Name != "" {
		b.WriteString("&dn=" + strings.ReplaceAll(escape(m.Name), "%20", "+"))
	}
	for _, t := range m.Trackers {
		b.WriteString("&tr=" + escape(t))
	}
	for _, w := range m.WebSeeds {
		b.WriteString("&ws=" + escape(w))
	}
	return b.String()
}

// ParseMagnet reads a link from another server. The info hash may be written in
// hex or in base32 (BEP 9); of repeated parameters all are kept, in their
// order. The error wraps ErrMagnet.
func ParseMagnet(s string) (Magnet, error) {
	const scheme = "magnet:?"
	if len(s) > maxMagnet || len(s) < len(scheme) || !strings.EqualFold(s[:len(scheme)], scheme) {
		return Magnet{}, fmt.Errorf("%w: %.80q", ErrMagnet, s)
	}
	var m Magnet
	params := strings.Split(s[len(scheme):], "&")
	if len(params) > maxParams {
		return Magnet{}, fmt.Errorf("%w: %d parameters", ErrMagnet, len(params))
	}
	for _, p := range params {
		key, value, _ := strings.Cut(p, "=")
		value, err := url.QueryUnescape(value)
		if err != nil {
			return Magnet{}, fmt.Errorf("%w: %.80q", ErrMagnet, p)
		}
		key, _, _ = strings.Cut(key, ".") // xt.1, tr.2
		switch strings.ToLower(key) {
		case "xt":
			if hash, ok := parseXT(value); ok && m.InfoHash == "" { // others name other networks
				m.InfoHash = hash
			}
		case "xs":
			if m.Torrent == "" {
				m.Torrent = value
			}
		case "dn":
			m.Name = value
		case "tr":
			m.Trackers = appendValue(m.Trackers, value)
		case "ws":
			m.WebSeeds = appendValue(m.WebSeeds, value)
		}
	}
	if m.InfoHash == "" {
		return Magnet{}, fmt.Errorf("%w: no info hash", ErrMagnet)
	}
	return m, nil
}

func appendValue(list []string, value string) []string {
	if value == "" {
		return list
	}
	return append(list, value)
}

// parseXT reads urn:btih:HASH.
func parseXT(urn string) (string, bool) {
	const btih = "urn:btih:"
	if len(urn) < len(btih) || !strings.EqualFold(urn[:len(btih)], btih) {
		return "", false
	}
	hash := urn[len(btih):]
	switch len(hash) {
	case 40:
		b, err := hex.DecodeString(hash)
		return hex.EncodeToString(b), err == nil
	case 32:
		b, err := base32.StdEncoding.DecodeString(strings.ToUpper(hash))
		return hex.EncodeToString(b), err == nil
	}
	return "", false
}

// unescaped are the characters that JavaScript's encodeURIComponent leaves as
// they are and Go does not.
var unescaped = strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*")

func escape(s string) string { return unescaped.Replace(url.QueryEscape(s)) }
