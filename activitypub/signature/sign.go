package signature

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-fed/httpsig"
)

// Sign dates and signs req as PeerTube does: (request-target), host and date,
// and the digest of body when there is one. It replaces an earlier signature,
// so a request can be signed anew for every attempt and every redirect
// (SEC-09). key is *rsa.PrivateKey or ed25519.PrivateKey; body must be what
// req will send, nil for none.
func Sign(req *http.Request, keyID string, key crypto.PrivateKey, body []byte) error {
	var algorithm httpsig.Algorithm
	switch key.(type) {
	case *rsa.PrivateKey:
		algorithm = httpsig.RSA_SHA256
	case ed25519.PrivateKey:
		algorithm = httpsig.ED25519
	default:
		return refuse(ReasonKey, "cannot sign with %T", key)
	}
	headers := []string{httpsig.RequestTarget, "host", "date"}
	if body != nil {
		headers = append(headers, "digest")
	}
	// A signer serves one request and holds its state.
	signer, _, err := httpsig.NewSigner([]httpsig.Algorithm{algorithm}, httpsig.DigestSha256, headers, httpsig.Signature, 0)
	if err != nil {
		return fmt.Errorf("make signer: %w", err)
	}
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	// httpsig reads the host from the headers only and writes the decoded
	// path into the target, so it signs a stand-in.
	stand := &http.Request{
		Method: req.Method,
		URL:    &url.URL{Path: escapedPath(req.URL), RawQuery: req.URL.RawQuery},
		Header: http.Header{"Host": {host}, "Date": {time.Now().UTC().Format(http.TimeFormat)}},
	}
	if err := signer.SignRequest(key, keyID, stand, body); err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	req.Header.Del("Authorization")
	for _, h := range []string{"Date", "Digest", "Signature"} {
		req.Header.Del(h)
		if v := stand.Header.Get(h); v != "" {
			req.Header.Set(h, v)
		}
	}
	return nil
}

func escapedPath(u *url.URL) string {
	if p := u.EscapedPath(); p != "" {
		return p
	}
	return "/"
}
