package upload

import (
	"crypto/md5"  //nolint:gosec // the protocol's checksums guard against accidents alone
	"crypto/sha1" //nolint:gosec // see above
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"math"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/kinemesh/kinemesh/web/rest"
)

// byteRange is a Content-Range of the request: a chunk, or with ask the
// question how much is there.
type byteRange struct {
	first, last int64
	total       int64
	ask         bool
}

func (r byteRange) length() int64 { return r.last - r.first + 1 }

// parseContentRange reads "bytes 0-99/500" and "bytes */500" (RFC 9110 14.4).
func parseContentRange(s string) (byteRange, bool) {
	spec, ok := strings.CutPrefix(s, "bytes ")
	if !ok {
		return byteRange{}, false
	}
	span, size, ok := strings.Cut(spec, "/")
	if !ok {
		return byteRange{}, false
	}
	var r byteRange
	if r.total, ok = parseSize(size); !ok || r.total == 0 {
		return byteRange{}, false
	}
	if span == "*" {
		r.ask = true
		return r, true
	}
	first, last, ok := strings.Cut(span, "-")
	if !ok {
		return byteRange{}, false
	}
	var ok1, ok2 bool
	r.first, ok1 = parseSize(first)
	r.last, ok2 = parseSize(last)
	return r, ok1 && ok2 && r.first <= r.last && r.last < r.total
}

// parseSize reads decimal digits and nothing else.
func parseSize(s string) (int64, bool) {
	if s == "" || len(s) > 18 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n < math.MaxInt64/2
}

// checksum is what a client says a chunk's digest is.
type checksum struct {
	hash.Hash
	want []byte
}

func (c *checksum) ok() bool { return subtle.ConstantTimeCompare(c.Sum(nil), c.want) == 1 }

// parseChecksum reads Digest (RFC 3230) and Content-MD5; nil when there is
// neither.
func parseChecksum(h http.Header) (*checksum, error) {
	name, value, header := "md5", strings.TrimSpace(h.Get("Content-MD5")), "Content-MD5"
	if d := h.Get("Digest"); d != "" {
		first, _, _ := strings.Cut(d, ",")
		name, value, _ = strings.Cut(strings.TrimSpace(first), "=")
		header = "Digest"
	}
	if value == "" && header == "Content-MD5" {
		return nil, nil
	}
	c := &checksum{}
	switch strings.ToLower(name) {
	case "md5":
		c.Hash = md5.New() //nolint:gosec // see the import
	case "sha", "sha1", "sha-1":
		c.Hash = sha1.New() //nolint:gosec // see the import
	case "sha256", "sha-256":
		c.Hash = sha256.New()
	case "sha512", "sha-512":
		c.Hash = sha512.New()
	default:
		return nil, rest.Invalid("header", header, "Should be one of md5, sha, sha-256, sha-512", name)
	}
	var err error
	if c.want, err = base64.StdEncoding.DecodeString(value); err != nil || len(c.want) != c.Size() {
		return nil, rest.Invalid("header", header, "Should be the digest of the chunk in base64", value)
	}
	return c, nil
}

// Extensions that are taken. The content decides in the end; a name that says
// something else is a mistake of the user's, and better told early.
var (
	playableExts = []string{".mp4", ".webm", ".ogv"}
	furtherExts  = []string{
		".3g2", ".3gp", ".asf", ".avi", ".f4v", ".flv", ".m2t", ".m2ts", ".m2v", ".m4v", ".mkv", ".mov", ".mpe", ".mpeg",
		".mpg", ".mqv", ".mts", ".mxf", ".ogg", ".qt", ".ts", ".vob", ".wmv",
		".aac", ".ac3", ".flac", ".m4a", ".m4b", ".mp3", ".oga", ".opus", ".wav", ".wma", ".weba",
	}
)

// ext is the extension of a user's file name, in lower case.
func ext(filename string) string { return strings.ToLower(path.Ext(filename)) }

// mediaType tells whether a type that a client states can be that of a video.
func mediaType(s string) bool {
	kind, _, err := mime.ParseMediaType(s)
	if err != nil {
		return false
	}
	switch kind {
	case "application/octet-stream", "application/mxf", "application/ogg", "application/mp4", "application/x-matroska",
		"application/vnd.ms-asf", "application/vnd.rn-realmedia":
		return true
	}
	return strings.HasPrefix(kind, "video/") || strings.HasPrefix(kind, "audio/")
}
