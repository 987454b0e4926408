package transport

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mayDial lists the files outside of this package that may make a client or
// dial, each with the reason (SEC-22).
var mayDial = map[string]string{
	"accounts/mail/deliver.go": "the mail server of the settings, which is often on the same network",
}

// banned are the ways out of net, net/http, crypto/tls and websocket.
var banned = map[string]map[string]bool{
	"net/http": {
		"Client": true, "DefaultClient": true, "Transport": true, "DefaultTransport": true,
		"Get": true, "Head": true, "Post": true, "PostForm": true,
	},
	"net":                          {"Dial": true, "DialTimeout": true, "Dialer": true, "DialTCP": true, "DialUDP": true, "DialIP": true, "DialUnix": true},
	"crypto/tls":                   {"Dial": true, "DialWithDialer": true, "Dialer": true},
	"github.com/gorilla/websocket": {"Dialer": true, "DefaultDialer": true, "NewClient": true},
	"golang.org/x/net/websocket":   {"Dial": true, "DialConfig": true},
	"net/rpc":                      {"Dial": true, "DialHTTP": true},
	"github.com/wneessen/go-mail":  {"NewClient": true, "QuickSend": true},
	"net/smtp":                     {"Dial": true, "SendMail": true},
}

// TestOnlyWayOut reads every Go file of the project that is no test; e2e is
// the rig of the end-to-end tests.
func TestOnlyWayOut(t *testing.T) {
	root := "../.."
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); n == "node_modules" || n == "testdata" || n == "e2e" || n == ".git" {
				return filepath.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") || strings.HasPrefix(rel, "activitypub/transport/") ||
			strings.HasSuffix(filepath.Dir(rel), "test") || mayDial[rel] != "" {
			return nil
		}
		files++
		for _, use := range waysOut(t, path) {
			t.Errorf("%s uses %s: fetch through activitypub/transport", rel, use)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Errorf("only %d files were read", files)
	}
}

// TestOnlyWayOutSees makes sure that the test above sees what it looks for.
func TestOnlyWayOutSees(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.go")
	source := "package x\nimport (\"net\"; web \"net/http\")\nvar c = &web.Client{}\nfunc f() { net.Dial(\"tcp\", \"x\"); web.Get(\"x\"); web.Error(nil, \"\", 0) }\n"
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(waysOut(t, path), " "); got != "net/http.Client net.Dial net/http.Get" {
		t.Errorf("found %q", got)
	}
}

func waysOut(t *testing.T, path string) (found []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil // somebody is in the middle of writing it; the build will tell
	}
	imports := map[string]string{}
	for _, i := range f.Imports {
		p := strings.Trim(i.Path.Value, `"`)
		name := filepath.Base(p)
		if i.Name != nil {
			name = i.Name.Name
		}
		imports[name] = p
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && banned[imports[x.Name]][s.Sel.Name] {
				found = append(found, imports[x.Name]+"."+s.Sel.Name)
			}
		}
		return true
	})
	return found
}
