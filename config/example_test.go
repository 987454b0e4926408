package config

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "write kinemesh.example.yaml")

const exampleFile = "kinemesh.example.yaml"

func TestExampleFile(t *testing.T) {
	want := generate(t)
	if *update {
		if err := os.WriteFile(exampleFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), string(Example())); diff != "" {
		t.Errorf("run make gen; %s (-want +got):\n%s", exampleFile, diff)
	}
	atRoot, err := os.ReadFile("../" + exampleFile)
	if err != nil || !bytes.Equal(atRoot, want) {
		t.Errorf("%s in the main folder is not this file: %v", exampleFile, err)
	}
}

// The example says nothing but the defaults.
func TestExampleLoads(t *testing.T) {
	got, warnings, err := Load(exampleFile, nil)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("Load: %v, %q", err, warnings)
	}
	want := Default()
	if err := want.Complete(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, comparePrefixes, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("settings (-defaults +example):\n%s", diff)
	}
}

func generate(t *testing.T) []byte {
	t.Helper()
	g := generator{t: t, structs: map[string]*ast.StructType{}}
	for _, name := range []string{"settings.go", "settings_video.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok {
					g.structs[spec.Name.Name] = s
				}
			}
			return true
		})
	}
	g.out.WriteString("# Every setting of Kinemesh with its default. Copy this file to kinemesh.yaml, keep\n" +
		"# what you change and start with: kinemesh serve --config kinemesh.yaml\n" +
		"#\n# Each key is also an environment variable: listen.port is KINEMESH_LISTEN_PORT.\n" +
		"# Durations: 10 seconds, 5 minutes, 2 days, or milliseconds. Sizes: 500MB, 10GB, or\n" +
		"# bytes; -1 is no limit.\n")
	g.section(reflect.ValueOf(Default()).Elem(), 0)
	return g.out.Bytes()
}

type generator struct {
	t       *testing.T
	structs map[string]*ast.StructType
	out     bytes.Buffer
}

func (g *generator) section(v reflect.Value, depth int) {
	source := g.structs[v.Type().Name()]
	indent := strings.Repeat("  ", depth)
	for i := range v.NumField() {
		field := v.Type().Field(i)
		key := field.Tag.Get("key")
		if key == "-" {
			continue
		}
		comment := strings.TrimSpace(source.Fields.List[i].Doc.Text())
		if comment == "" {
			g.t.Errorf("%s.%s has no comment", v.Type().Name(), field.Name)
		}
		if depth == 0 {
			g.out.WriteString("\n")
		}
		for line := range strings.SplitSeq(comment, "\n") {
			fmt.Fprintf(&g.out, "%s# %s\n", indent, line)
		}
		if list, ok := field.Tag.Lookup("allowed"); ok {
			fmt.Fprintf(&g.out, "%s# One of: %s.\n", indent, strings.Join(strings.Fields(list), ", "))
		}
		if field.Type.Kind() == reflect.Struct {
			fmt.Fprintf(&g.out, "%s%s:\n", indent, key)
			g.section(v.Field(i), depth+1)
			continue
		}
		fmt.Fprintf(&g.out, "%s%s: %s\n", indent, key, g.value(v.Field(i)))
	}
}

func (g *generator) value(v reflect.Value) string {
	switch x := plain(v).(type) {
	case nil:
		return "# unset"
	case string:
		if v.Kind() == reflect.String {
			return fmt.Sprintf("%q", x)
		}
		return x
	case []any:
		var items []string
		for _, item := range x {
			items = append(items, fmt.Sprintf("%q", item))
		}
		return "[" + strings.Join(items, ", ") + "]"
	default:
		return fmt.Sprint(x)
	}
}

// plain is the inverse of reading: the value as YAML gives it, nil when unset.
func plain(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case time.Duration:
		return FormatDuration(x)
	case Size:
		return x.String()
	case fmt.Stringer:
		if v.IsZero() {
			return nil
		}
		return x.String()
	}
	if v.Kind() == reflect.Slice {
		list := []any{}
		for i := range v.Len() {
			list = append(list, plain(v.Index(i)))
		}
		return list
	}
	if v.Kind() == reflect.String && v.IsZero() {
		return nil
	}
	return v.Interface()
}

// TestSEC52SampleIsClosed: with the settings as they come, nothing listens
// outside the machine and no password is written down.
func TestSEC52SampleIsClosed(t *testing.T) {
	c, warnings, err := Load("kinemesh.example.yaml", nil)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	if c.Listen.Hostname != "127.0.0.1" || c.RedisURL() != "" || !c.UsesSQLite() {
		t.Errorf("listens on %s, Redis %q, database %q", c.Listen.Hostname, c.RedisURL(), c.DatabaseURL())
	}
	for _, s := range c.settings() {
		if secret, ok := reflect.TypeAssert[Secret](s.value); ok && secret != "" {
			t.Errorf("%s is set", s.key)
		}
	}
	for url, want := range map[string]string{"rediss://:pw@redis.example:6380/1": "rediss://:pw@redis.example:6380/1"} {
		if c, _, err := Load("", []string{"KINEMESH_REDIS_URL=" + url}); err != nil || c.RedisURL() != want {
			t.Errorf("Redis by TLS: %v", err)
		}
	}
	if c, _, err := Load("", []string{"KINEMESH_DATABASE_HOSTNAME=db.example", "KINEMESH_DATABASE_SSL=true"}); err != nil || !strings.Contains(c.DatabaseURL(), "sslmode=require") {
		t.Errorf("PostgreSQL by TLS: %v", err)
	}
}
