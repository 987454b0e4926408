package signature

import (
	"net/http"
	"strings"

	"github.com/kinemesh/kinemesh/activitypub/iri"
)

// message is what derived components are taken from (RFC 9421 2.2).
type message struct {
	method, scheme, host string
	target               string // path and query as they stand in the request line
	header               http.Header
}

// received is r as it reached us; scheme is that of our public address, which
// a proxy may have taken off.
func received(r *http.Request, scheme string) message {
	return message{method: r.Method, scheme: scheme, host: r.Host, target: requestTarget(r), header: r.Header}
}

// sending is req as it will be sent.
func sending(req *http.Request) message {
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	return message{method: req.Method, scheme: req.URL.Scheme, host: host, target: req.URL.RequestURI(), header: req.Header}
}

// derived tells which derived components of RFC 9421 2.2 we know.
func derived(name string) bool {
	switch name {
	case "@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query":
		return true
	}
	return false
}

// component gives the value of a covered component.
func (m message) component(name string) (string, error) {
	path, query, _ := strings.Cut(m.target, "?")
	switch name {
	case "@method": // 2.2.1
		return m.method, nil
	case "@target-uri": // 2.2.2
		host, err := m.authority()
		return m.scheme + "://" + host + m.target, err
	case "@authority": // 2.2.3
		return m.authority()
	case "@scheme": // 2.2.4
		return m.scheme, nil
	case "@request-target": // 2.2.5
		return m.target, nil
	case "@path": // 2.2.6
		if path == "" {
			path = "/"
		}
		return path, nil
	case "@query": // 2.2.7: the mark stands even before nothing
		return "?" + query, nil
	case "host":
		return m.host, nil
	}
	if strings.HasPrefix(name, "@") {
		return "", refuse(ReasonCoverage, "component %q is not known", name)
	}
	values := m.header.Values(name) // 2.1
	if len(values) == 0 {
		return "", refuse(ReasonCoverage, "signed header %q is absent", name)
	}
	return joined(values), nil
}

// joined makes one value of a header that stands there more than once.
func joined(values []string) string {
	trimmed := make([]string, len(values))
	for i, v := range values {
		trimmed[i] = strings.TrimSpace(v)
	}
	return strings.Join(trimmed, ", ")
}

// authority is the host in lower case without a default port.
func (m message) authority() (string, error) {
	host, err := iri.NormalHost(m.scheme, m.host)
	if err != nil {
		return "", refuse(ReasonHost, "host %q", m.host)
	}
	return host, nil
}

// base is the text that is signed (RFC 9421 2.5).
func (m message) base(components []string, params string) (string, error) {
	var b strings.Builder
	for _, c := range components {
		v, err := m.component(c)
		if err != nil {
			return "", err
		}
		b.WriteString(`"` + c + `": ` + v + "\n")
	}
	b.WriteString(`"@signature-params": ` + params)
	return b.String(), nil
}
