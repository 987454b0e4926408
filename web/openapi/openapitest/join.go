package openapitest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kinemesh/kinemesh/web/openapi"
	"github.com/kinemesh/kinemesh/web/rest"
)

// piece is one file of src. Types are written short:
//
//	string, integer, number, boolean, date, uuid, uri, file, any
//	Video            the schema of that name
//	Video[]          a list, Video{} a map by string
//	List<Video>      a page of a list with its total
//	string | null    one of several; 1 | 2 | 'a' lists values
//	integer -- text  with a description
//
// A map is an object with these members and no others; a name that ends with
// "?" may be absent, "+" names schemas whose members it has too, and "..." is
// the type of members of any name.
type piece struct {
	Tag        string
	About      string
	Operations map[string]shortOperation // "GET /path", below /api/v1 unless it starts with one of roots
	Schemas    map[string]yaml.Node
	Query      map[string]string // parameters that operations name
	Groups     map[string][]string
	Path       map[string]string // types of path parameters by "segment/{name}" or "{name}"
}

// shortOperation is an operation as the pieces have it. Answers are kept by
// status: a type, "<media/type>", or nothing for an empty body.
type shortOperation struct {
	Does   string
	More   string // what else is to be known
	Query  []string
	Header []string
	Body   yaml.Node            // JSON
	Form   yaml.Node            // multipart/form-data
	Fields yaml.Node            // application/x-www-form-urlencoded
	Raw    string               // another media type
	Refuse []int                // statuses besides those that follow from access and inputs
	Answer map[string]yaml.Node `yaml:",inline"`
}

// roots are the prefixes outside of /api/v1 whose routes are described.
var roots = []string{"/static/", "/lazy-static/", "/download/", "/feeds/", "/services/"}

// Described tells whether the document has to have a route. A path that is
// there with a slash at its end, too, is described once.
func Described(r rest.Route) bool {
	if r.Method == "OPTIONS" || strings.HasSuffix(r.Path, "/") {
		return false
	}
	return strings.HasPrefix(r.Path, "/api/v1/") || slices.ContainsFunc(roots, func(p string) bool { return strings.HasPrefix(r.Path, p) })
}

var echoParam = regexp.MustCompile(`:([A-Za-z]+)`)

// Template writes the path of a route as OpenAPI does.
func Template(path string) string { return echoParam.ReplaceAllString(path, "{$1}") }

// Join makes the document of the pieces in dir and the routes. Descriptions
// without a route and routes without a description are named by missing.
func Join(dir string, routes []rest.Route) (doc *openapi.Document, missing []string, err error) {
	pieces, err := readPieces(dir)
	if err != nil {
		return nil, nil, err
	}
	j := joiner{query: map[string]string{}, groups: map[string][]string{}, path: map[string]string{}, doc: newDocument()}
	for _, p := range pieces {
		maps.Copy(j.query, p.Query)
		maps.Copy(j.groups, p.Groups)
		maps.Copy(j.path, p.Path)
	}
	type tagged struct {
		tag string
		op  shortOperation
	}
	short := map[string]tagged{}
	for _, p := range pieces {
		if len(p.Operations) > 0 {
			j.doc.Tags = append(j.doc.Tags, openapi.Tag{Name: p.Tag, Description: p.About})
		}
		for key, op := range p.Operations {
			method, path, _ := strings.Cut(key, " ")
			if !slices.ContainsFunc(roots, func(r string) bool { return strings.HasPrefix(path, r) }) {
				path = "/api/v1" + path
			}
			key = method + " " + path
			if _, twice := short[key]; twice {
				return nil, nil, fmt.Errorf("%s is described twice", key)
			}
			short[key] = tagged{p.Tag, op}
		}
		for name, node := range p.Schemas {
			if j.doc.Components.Schemas[name], err = j.schema(&node); err != nil {
				return nil, nil, fmt.Errorf("schema %s: %w", name, err)
			}
		}
	}
	for _, r := range routes {
		if !Described(r) {
			continue
		}
		key := r.Method + " " + Template(r.Path)
		s, ok := short[key]
		if !ok {
			missing = append(missing, "not described: "+key)
			continue
		}
		delete(short, key)
		op, err := j.operation(r, s.tag, s.op)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", key, err)
		}
		path := Template(r.Path)
		if j.doc.Paths[path] == nil {
			j.doc.Paths[path] = map[string]*openapi.Operation{}
		}
		j.doc.Paths[path][strings.ToLower(r.Method)] = op
	}
	for key := range short {
		missing = append(missing, "described, but no route: "+key)
	}
	slices.Sort(missing)
	return j.doc, missing, j.extend()
}

func readPieces(dir string) ([]piece, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no pieces in %s: %w", dir, err)
	}
	var all []piece
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var p piece
		if err := yaml.Unmarshal(raw, &p); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, p)
	}
	return all, nil
}

func newDocument() *openapi.Document {
	return &openapi.Document{
		OpenAPI: "3.1.0",
		Info: openapi.Info{
			Title: "Kinemesh", Version: "1",
			Description: "The REST API of a Kinemesh server. It answers as PeerTube's does, so that the same clients work.\n\n" +
				"Clients ask for `client_id` and `client_secret` at `GET /api/v1/oauth-clients/local`, then for a token at `POST /api/v1/users/token`, " +
				"and send it as `Authorization: Bearer TOKEN`. Who may call an operation stands beside it; owners may do more with what is theirs, " +
				"and moderators with what they look after. Lists take `start`, `count` and `sort`. What is refused is answered as " +
				"`application/problem+json` with the reason in `detail` and, for programs, in `code`.",
			License: map[string]string{"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
		},
		Paths: map[string]map[string]*openapi.Operation{},
		Components: openapi.Components{
			SecuritySchemes: map[string]map[string]string{"bearer": {"type": "http", "scheme": "bearer"}},
			Schemas:         map[string]openapi.Schema{},
			Responses: map[string]*openapi.Response{"Problem": {
				Description: "Why the request is refused",
				Content:     map[string]openapi.Media{"application/problem+json": {Schema: openapi.Schema{"$ref": "#/components/schemas/Problem"}}},
			}},
		},
	}
}

type joiner struct {
	doc    *openapi.Document
	query  map[string]string
	groups map[string][]string
	path   map[string]string
}

var pathParam = regexp.MustCompile(`([a-z-]*)/?[@.]?\{([A-Za-z]+)\}`)

func (j *joiner) operation(r rest.Route, tag string, s shortOperation) (*openapi.Operation, error) {
	path := Template(r.Path)
	op := &openapi.Operation{
		Tags: []string{tag}, Summary: s.Does, Description: s.More, Access: r.Access.String(), OperationID: operationID(r.Method, path),
		Security: []map[string][]string{{"bearer": {}}}, Responses: map[string]*openapi.Response{},
	}
	if s.Does == "" {
		return nil, fmt.Errorf("it does not say what it does")
	}
	refuse := slices.Clone(s.Refuse)
	if r.Access == rest.Anyone {
		op.Security = []map[string][]string{{}, {"bearer": {}}}
	} else {
		refuse = append(refuse, 401)
	}
	if r.Access > rest.SignedIn {
		refuse = append(refuse, 403)
	}
	for _, m := range pathParam.FindAllStringSubmatch(path, -1) {
		kind, ok := j.path[m[1]+"/{"+m[2]+"}"]
		if !ok {
			if kind, ok = j.path["{"+m[2]+"}"]; !ok {
				return nil, fmt.Errorf("what is {%s}?", m[2])
			}
		}
		p, err := j.parameter(m[2]+" "+kind, "path")
		if err != nil {
			return nil, err
		}
		op.Parameters = append(op.Parameters, p)
		refuse = append(refuse, 404)
	}
	if err := j.inputs(op, s); err != nil {
		return nil, err
	}
	if op.RequestBody != nil || len(s.Query) > 0 {
		refuse = append(refuse, 400)
	}
	for status, node := range s.Answer {
		code, err := strconv.Atoi(status)
		if err != nil {
			return nil, fmt.Errorf("%q is no status", status)
		}
		if op.Responses[status], err = j.answer(code, &node); err != nil {
			return nil, err
		}
	}
	if len(op.Responses) == 0 {
		return nil, fmt.Errorf("it has no answer")
	}
	for _, status := range refuse {
		op.Responses[strconv.Itoa(status)] = &openapi.Response{Ref: "#/components/responses/Problem"}
	}
	return op, nil
}

// operationID is the method and the words of the path: getVideosById.
func operationID(method, path string) string {
	var b strings.Builder
	b.WriteString(strings.ToLower(method))
	for word := range strings.FieldsFuncSeq(strings.TrimPrefix(path, "/api/v1"), func(c rune) bool { return strings.ContainsRune("/-.{}@", c) }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

func (j *joiner) inputs(op *openapi.Operation, s shortOperation) error {
	names := []string{}
	for _, q := range s.Query {
		if group, isGroup := strings.CutPrefix(q, "@"); isGroup {
			if j.groups[group] == nil {
				return fmt.Errorf("no group %s", group)
			}
			names = append(names, j.groups[group]...)
		} else {
			names = append(names, q)
		}
	}
	seen := map[string]bool{}
	for _, q := range names {
		name, _, _ := strings.Cut(q, " ")
		if name = strings.TrimSuffix(name, "!"); seen[name] { // what an operation says by itself comes before what a group says
			continue
		}
		seen[name] = true
		if sort, isSort := strings.CutPrefix(q, "sort "); isSort {
			fields := strings.Fields(sort)
			op.Parameters = append(op.Parameters, openapi.Parameter{
				Name: "sort", In: "query", Schema: openapi.Schema{"type": "string", "default": fields[0]},
				Description: "One of " + strings.Join(fields[1:], ", ") + "; with - before it for descending",
			})
			continue
		}
		if !strings.Contains(q, " ") {
			kind, ok := j.query[q]
			if !ok {
				return fmt.Errorf("what is the parameter %s?", q)
			}
			q += " " + kind
		}
		p, err := j.parameter(q, "query")
		if err != nil {
			return err
		}
		op.Parameters = append(op.Parameters, p)
	}
	for _, h := range s.Header {
		p, err := j.parameter(h, "header")
		if err != nil {
			return err
		}
		op.Parameters = append(op.Parameters, p)
	}
	content := map[string]openapi.Media{}
	for kind, node := range map[string]*yaml.Node{"application/json": &s.Body, "multipart/form-data": &s.Form, "application/x-www-form-urlencoded": &s.Fields} {
		if node.IsZero() {
			continue
		}
		schema, err := j.schema(node)
		if err != nil {
			return err
		}
		delete(schema, "additionalProperties") // more is ignored
		content[kind] = openapi.Media{Schema: schema}
	}
	if s.Raw != "" {
		content[s.Raw] = openapi.Media{Schema: openapi.Schema{"type": "string", "format": "binary"}}
	}
	if len(content) > 0 {
		op.RequestBody = &openapi.Body{Required: true, Content: content}
	}
	return nil
}

// parameter reads "name type -- description"; a name that ends with "!" has to
// be given.
func (j *joiner) parameter(text, in string) (openapi.Parameter, error) {
	name, kind, _ := strings.Cut(text, " ")
	name, must := strings.CutSuffix(name, "!")
	schema, err := j.typed(kind)
	p := openapi.Parameter{Name: name, In: in, Required: must || in == "path", Schema: schema}
	p.Description, _ = schema["description"].(string)
	delete(schema, "description")
	return p, err
}

func (j *joiner) answer(status int, node *yaml.Node) (*openapi.Response, error) {
	res := &openapi.Response{Description: statusText(status)}
	if node.Kind == yaml.ScalarNode && (node.Tag == "!!null" || node.Value == "") {
		return res, nil
	}
	if kind, isMedia := strings.CutPrefix(node.Value, "<"); isMedia {
		res.Content = map[string]openapi.Media{}
		for kind := range strings.SplitSeq(strings.TrimSuffix(kind, ">"), ", ") {
			of := "string"
			if strings.Contains(kind, "json") { // of a format described elsewhere
				of = "object"
			}
			res.Content[kind] = openapi.Media{Schema: openapi.Schema{"type": of}}
		}
		return res, nil
	}
	schema, err := j.schema(node)
	res.Content = map[string]openapi.Media{"application/json": {Schema: schema}}
	return res, err
}
