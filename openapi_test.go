package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/openapi/openapitest"
)

const (
	openAPIFile   = "web/openapi/openapi.yaml"
	openAPIPieces = "web/openapi/src"
)

// TestOpenAPIFile: the document describes exactly the routes that are
// registered, and is a valid one.
func TestOpenAPIFile(t *testing.T) {
	s, _ := assembleWhole(t, dbtest.SQLite(t))
	doc, missing, err := openapitest.Join(openAPIPieces, s.Routes())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	b.WriteString("# Written by make gen from the pieces in src and the registered routes.\n")
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(openAPIFile, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, m := range missing {
		t.Error(m)
	}
	have, err := os.ReadFile(openAPIFile)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(b.String(), string(have)); d != "" {
		t.Errorf("run make gen; %s (-want +got):\n%s", openAPIFile, d)
	}
	parsed, err := openapi3.NewLoader().LoadFromData(have)
	if err == nil {
		err = parsed.Validate(t.Context())
	}
	if err != nil {
		t.Error(err)
	}
}
