// Package openapi answers with the description of the REST API: the OpenAPI
// document at /api/v1/openapi.yaml and /api/v1/openapi.json, and the same as a
// page for people at /api/v1/docs.
//
// The document is written by `make gen` from the pieces in src, one a subject,
// and the registered routes. Tests compare it with the routes and every answer
// that they see with its schema (openapitest).
//
// Specifications: OpenAPI 3.1.
// Imported by: main. Imports web/rest.
package openapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the document and its page
	"encoding/base64"
	"encoding/json"
	"net/http"
	"sync"

	"github.com/labstack/echo/v4"
	"go.yaml.in/yaml/v3"

	"github.com/kinemesh/kinemesh/web/rest"
)

// YAML is the whole document.
//
//go:embed openapi.yaml
var YAML []byte

// Document is an OpenAPI document, as far as ours goes.
type Document struct {
	OpenAPI    string                           `yaml:"openapi"`
	Info       Info                             `yaml:"info"`
	Tags       []Tag                            `yaml:"tags"`
	Paths      map[string]map[string]*Operation `yaml:"paths"` // by path and method in lower case
	Components Components                       `yaml:"components"`
}

// Info says what the document is about.
type Info struct {
	Title       string            `yaml:"title"`
	Version     string            `yaml:"version"`
	Description string            `yaml:"description"`
	License     map[string]string `yaml:"license"`
}

// Tag is a group of operations.
type Tag struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description,omitempty"`
}

// Operation is what one method does on one path.
type Operation struct {
	Tags        []string              `yaml:"tags"`
	Summary     string                `yaml:"summary"`
	Description string                `yaml:"description,omitempty"`
	OperationID string                `yaml:"operationId"`
	Access      string                `yaml:"x-access"` // anyone, user, moderator or admin
	Security    []map[string][]string `yaml:"security"`
	Parameters  []Parameter           `yaml:"parameters,omitempty"`
	RequestBody *Body                 `yaml:"requestBody,omitempty"`
	Responses   map[string]*Response  `yaml:"responses"`
}

// Parameter is an input in the path, the query or a header.
type Parameter struct {
	Name        string `yaml:"name"`
	In          string `yaml:"in"`
	Required    bool   `yaml:"required,omitempty"`
	Description string `yaml:"description,omitempty"`
	Schema      Schema `yaml:"schema"`
}

// Body is the content of a request.
type Body struct {
	Required bool             `yaml:"required,omitempty"`
	Content  map[string]Media `yaml:"content"`
}

// Response is one answer.
type Response struct {
	Ref         string           `yaml:"$ref,omitempty"`
	Description string           `yaml:"description,omitempty"`
	Content     map[string]Media `yaml:"content,omitempty"`
}

// Media is content of one type.
type Media struct {
	Schema Schema `yaml:"schema"`
}

// Components are the parts that others refer to.
type Components struct {
	SecuritySchemes map[string]map[string]string `yaml:"securitySchemes"`
	Responses       map[string]*Response         `yaml:"responses"`
	Schemas         map[string]Schema            `yaml:"schemas"`
}

// Schema is a JSON schema.
type Schema map[string]any

// Routes registers the document in its three forms.
func Routes(r *rest.Router) {
	serve := func(path, kind string, content func() ([]byte, error)) {
		r.API.GET(path, rest.Anyone, func(c echo.Context) error {
			raw, err := content()
			if err != nil {
				return err
			}
			c.Response().Header().Set(echo.HeaderCacheControl, "public, max-age=3600")
			return c.Blob(http.StatusOK, kind, raw)
		})
	}
	serve("/openapi.yaml", "application/yaml; charset=utf-8", func() ([]byte, error) { return YAML, nil })
	serve("/openapi.json", "application/json; charset=utf-8", sync.OnceValues(asJSON))
	page := sync.OnceValues(asPage)
	r.API.GET("/docs", rest.Anyone, func(c echo.Context) error {
		raw, err := page()
		if err != nil {
			return err
		}
		h := c.Response().Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src '"+styleHash()+"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set(echo.HeaderCacheControl, "public, max-age=3600")
		return c.HTMLBlob(http.StatusOK, raw)
	})
}

func asJSON() ([]byte, error) {
	var doc any
	if err := yaml.Unmarshal(YAML, &doc); err != nil {
		return nil, err
	}
	return json.Marshal(doc)
}

func asPage() ([]byte, error) {
	var doc Document
	if err := yaml.Unmarshal(YAML, &doc); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, newPage(&doc))
	return b.Bytes(), err
}

// styleHash lets the page's own style be used, and no other.
func styleHash() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
