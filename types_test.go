package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/web/openapi"
	"github.com/kinemesh/kinemesh/web/openapi/openapitest"
	"github.com/kinemesh/kinemesh/web/rest/resttest"
)

// clientTypes says as what PeerTube's clients read the answers of an operation.
// The custom configuration is left out: it has the settings that a server has.
var clientTypes = map[string]string{
	"GET /accounts/{name}":                                         "Account",
	"GET /accounts":                                                "ResultList<Account>",
	"GET /accounts/{name}/videos":                                  "ResultList<Video>",
	"GET /accounts/{name}/video-channels":                          "ResultList<VideoChannel>",
	"GET /accounts/{name}/video-playlists":                         "ResultList<VideoPlaylist>",
	"GET /accounts/{name}/followers":                               "ResultList<ActorFollow>",
	"GET /accounts/{name}/ratings":                                 "ResultList<AccountVideoRate>",
	"GET /video-channels":                                          "ResultList<VideoChannel>",
	"GET /video-channels/{handle}":                                 "VideoChannel",
	"GET /video-channels/{handle}/videos":                          "ResultList<Video>",
	"GET /video-channels/{handle}/video-playlists":                 "ResultList<VideoPlaylist>",
	"GET /video-channels/{handle}/followers":                       "ResultList<ActorFollow>",
	"GET /videos":                                                  "ResultList<Video>",
	"GET /videos/{id}":                                             "VideoDetails",
	"POST /videos/upload":                                          "{ video: VideoCreateResult }",
	"GET /videos/{id}/captions":                                    "ResultList<VideoCaption>",
	"GET /videos/{id}/chapters":                                    "{ chapters: VideoChapter[] }",
	"GET /videos/{id}/storyboards":                                 "{ storyboards: Storyboard[] }",
	"GET /videos/{id}/source":                                      "VideoSource",
	"GET /videos/{id}/stats/overall":                               "VideoStatsOverall",
	"GET /videos/{id}/stats/retention":                             "VideoStatsRetention",
	"GET /videos/{id}/stats/timeseries/{metric}":                   "VideoStatsTimeserie",
	"GET /videos/{id}/stats/user-agent":                            "VideoStatsUserAgent",
	"POST /videos/{id}/token":                                      "VideoToken",
	"GET /videos/{id}/comment-threads":                             "VideoCommentThreads",
	"GET /videos/{id}/comment-threads/{comment}":                   "VideoCommentThreadTree",
	"POST /videos/{id}/comment-threads":                            "{ comment: VideoComment }",
	"POST /videos/{id}/comments/{comment}":                         "{ comment: VideoComment }",
	"GET /videos/comments":                                         "ResultList<VideoCommentForAdminOrUser>",
	"GET /users/me/videos/comments":                                "ResultList<VideoCommentForAdminOrUser>",
	"GET /video-playlists":                                         "ResultList<VideoPlaylist>",
	"GET /video-playlists/{id}":                                    "VideoPlaylist",
	"POST /video-playlists":                                        "{ videoPlaylist: VideoPlaylistCreateResult }",
	"GET /video-playlists/{id}/videos":                             "ResultList<VideoPlaylistElement>",
	"POST /video-playlists/{id}/videos":                            "{ videoPlaylistElement: VideoPlaylistElementCreateResult }",
	"GET /users/me/video-playlists/videos-exist":                   "CachedVideosExistInPlaylists",
	"GET /search/videos":                                           "ResultList<Video>",
	"GET /search/video-channels":                                   "ResultList<VideoChannel>",
	"GET /search/video-playlists":                                  "ResultList<VideoPlaylist>",
	"GET /overviews/videos":                                        "VideosOverview",
	"GET /users/me":                                                "MyUser",
	"GET /users/me/video-quota-used":                               "UserVideoQuota",
	"GET /users/me/videos":                                         "ResultList<Video>",
	"GET /users/me/videos/{id}/rating":                             "UserVideoRate",
	"GET /users/me/notifications":                                  "ResultList<UserNotification>",
	"GET /users/me/subscriptions":                                  "ResultList<VideoChannel>",
	"GET /users/me/subscriptions/{handle}":                         "VideoChannel",
	"GET /users/me/subscriptions/videos":                           "ResultList<Video>",
	"GET /users/me/history/videos":                                 "ResultList<Video>",
	"GET /users/me/abuses":                                         "ResultList<UserAbuse>",
	"GET /users/me/blocklist/accounts":                             "ResultList<AccountBlock>",
	"GET /users/me/blocklist/servers":                              "ResultList<ServerBlock>",
	"GET /blocklist/status":                                        "BlockStatus",
	"GET /users/scoped-tokens":                                     "ScopedToken",
	"GET /users":                                                   "ResultList<User>",
	"GET /users/{id}":                                              "User",
	"POST /users":                                                  "{ user: UserCreateResult }",
	"GET /users/{id}/token-sessions":                               "ResultList<TokenSession>",
	"GET /users/registrations":                                     "ResultList<UserRegistration>",
	"GET /abuses":                                                  "ResultList<AdminAbuse>",
	"GET /abuses/{abuse}/messages":                                 "ResultList<AbuseMessage>",
	"GET /videos/blacklist":                                        "ResultList<VideoBlacklist>",
	"GET /watched-words/server/lists":                              "ResultList<WatchedWordsList>",
	"GET /watched-words/accounts/{accountName}/lists":              "ResultList<WatchedWordsList>",
	"GET /automatic-tags/server/available":                         "AutomaticTagAvailable",
	"GET /automatic-tags/accounts/{accountName}/available":         "AutomaticTagAvailable",
	"GET /automatic-tags/policies/accounts/{accountName}/comments": "CommentAutomaticTagPolicies",
	"GET /config":                                                  "ServerConfig",
	"GET /config/about":                                            "About",
	"GET /server/stats":                                            "ServerStats",
	"GET /server/debug":                                            "ServerDebug",
	"GET /server/blocklist/accounts":                               "ResultList<AccountBlock>",
	"GET /server/blocklist/servers":                                "ResultList<ServerBlock>",
	"GET /jobs":                                                    "ResultList<Job>",
	"GET /jobs/{state}":                                            "ResultList<Job>",
	"GET /plugins":                                                 "ResultList<PeerTubePlugin>",
	"GET /oauth-clients/local":                                     "OAuthClientLocal",
}

// change is a line of testdata/contract/types.txt, such as
//
//	VideoDetails .files[].playlistUrl is ours alone -- reason
//
// in which "*" stands for anything. It is made good before an answer is compiled: what is ours alone is left
// out, what is missing or of another type is declared to fit.
type change struct {
	kind, path, what string
	line             string
	tried            int  // answers that were compiled without it
	needed           bool // the compiler refused one of them
}

var changeLine = regexp.MustCompile(`^(\S+) (\S+) (is ours alone|is missing|is another) -- \S`)

func readChanges(t *testing.T) (all []*change) {
	t.Helper()
	raw, err := os.ReadFile("testdata/contract/types.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		f := changeLine.FindStringSubmatch(line)
		if f == nil {
			t.Fatalf("types.txt: %q should be type .path is ours alone, is missing or is another -- reason", line)
		}
		all = append(all, &change{kind: f[1], path: f[2], what: f[3], line: line})
	}
	return all
}

// sameAsClientTypes compiles the answers as what PeerTube's clients take them
// for. Each listed difference has to be one: without it the compiler refuses.
func sameAsClientTypes(t *testing.T, s *scenario) {
	t.Helper()
	own, err := openapitest.Load(openapi.YAML)
	if err != nil {
		t.Fatal(err)
	}
	changes := readChanges(t)
	var file strings.Builder
	names := regexp.MustCompile(`\b[A-Z]\w+`)
	types := map[string]bool{}
	n := 0
	for _, x := range s.exchanges {
		template, _ := own.Template(x.method, x.path)
		kind := clientTypes[x.method+" "+strings.TrimPrefix(template, "/api/v1")]
		if kind == "" || x.Code >= 300 {
			continue
		}
		for _, name := range names.FindAllString(kind, -1) {
			types[name] = true
		}
		n++
		fmt.Fprintf(&file, "// %s %s\nexport const a%d: %s = %s\n", x.method, x.path, n, kind, script(x.JSON(), kind, changes, nil, true))
		for i, c := range changes {
			if c.tried < triesOfChange && applies(x.JSON(), kind, c) {
				c.tried++
				fmt.Fprintf(&file, "export const without%d_%d: %s = %s\n", i, c.tried, kind, script(x.JSON(), kind, changes, c, false))
			}
		}
	}
	header := "import type { " + strings.Join(slices.Sorted(maps.Keys(types)), ", ") + " } from '@peertube/peertube-types'\n"
	compile(t, header+file.String(), changes)
	for _, c := range changes {
		if !c.needed {
			t.Errorf("types.txt: %s: nothing is so; remove the line", c.line)
		}
	}
}

// triesOfChange is how many answers are compiled without a change to see that
// it is needed.
const triesOfChange = 4

// script writes a value as TypeScript, with the changes but for one.
func script(v any, kind string, changes []*change, but *change, pretty bool) string {
	var b strings.Builder
	at := func(path string) string {
		if pretty {
			return " // " + path
		}
		return ""
	}
	var write func(path, indent string, v any)
	write = func(path, indent string, v any) {
		here := changesAt(kind, path, changes, but)
		inner, end := indent+"  ", "\n"
		if !pretty {
			inner, end = "", " "
		}
		switch x := v.(type) {
		case map[string]any:
			b.WriteString("{" + at(path) + end)
			for _, name := range slices.Sorted(maps.Keys(x)) {
				if slices.Contains(changesAt(kind, path+"."+name, changes, but), "is ours alone") {
					continue
				}
				b.WriteString(inner + strconv.Quote(name) + ": ")
				write(path+"."+name, inner, x[name])
				b.WriteString("," + at(path+"."+name) + end)
			}
			for _, c := range changes {
				parent, name, ok := cutLast(c.path)
				_, there := x[name]
				there = there && !slices.Contains(changesAt(kind, path+"."+name, changes, but), "is ours alone")
				if ok && !there && resttest.Match(parent, path) && c.what == "is missing" && c != but && ofKind(kind, c.kind) {
					b.WriteString(inner + strconv.Quote(name) + ": undefined as never," + end)
				}
			}
			if !pretty {
				indent = ""
			}
			b.WriteString(indent + "}")
		case []any:
			b.WriteString("[" + at(path) + end)
			for _, e := range x {
				b.WriteString(inner)
				write(path+"[]", inner, e)
				b.WriteString("," + end)
			}
			if !pretty {
				indent = ""
			}
			b.WriteString(indent + "]")
		default:
			text, err := json.Marshal(v)
			if err != nil {
				panic(err) // it came from JSON
			}
			b.Write(text)
		}
		if slices.Contains(here, "is another") {
			b.WriteString(" as never")
		}
	}
	write("", "", v)
	return b.String()
}

func cutLast(path string) (parent, name string, ok bool) {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		return "", "", false
	}
	return path[:i], path[i+1:], true
}

// ofKind tells whether a line is about a type.
func ofKind(kind, pattern string) bool {
	return resttest.Match(pattern, strings.ReplaceAll(kind, " ", ""))
}

func changesAt(kind, path string, changes []*change, but *change) (what []string) {
	for _, c := range changes {
		if c != but && resttest.Match(c.path, path) && ofKind(kind, c.kind) {
			what = append(what, c.what)
		}
	}
	return what
}

// applies tells whether a line changes anything of an answer.
func applies(v any, kind string, c *change) bool {
	return ofKind(kind, c.kind) && script(v, kind, []*change{c}, nil, false) != script(v, kind, nil, nil, false)
}

var withoutChange = regexp.MustCompile(`^export const without(\d+)_`)

var compilerError = regexp.MustCompile(`^answers\.ts\((\d+),\d+\): error (.*)`)

// compile runs tsc and reports what it refuses, or marks the change as needed
// without which it refuses something.
func compile(t *testing.T, text string, changes []*change) {
	t.Helper()
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("npm is not here")
	}
	modules, err := filepath.Abs("e2e/npm/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	tsc := filepath.Join(modules, "typescript", "bin", "tsc")
	if _, err := os.Stat(tsc); err != nil {
		cmd := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--silent", "--ignore-scripts")
		cmd.Dir = "e2e/npm"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
	}
	dir := t.TempDir()
	settings, err := json.Marshal(m{"files": []string{"answers.ts"}, "compilerOptions": m{
		"noEmit": true, "skipLibCheck": true, "target": "ES2022", "module": "ES2022", "moduleResolution": "bundler",
		"types": []string{}, "paths": m{"@peertube/peertube-types": []string{filepath.Join(modules, "@peertube", "peertube-types")}},
	}})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "tsconfig.json"), settings, 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "answers.ts"), []byte(text), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", tsc, "-p", dir, "--pretty", "false")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err == nil {
		return
	}
	lines, seen := strings.Split(text, "\n"), map[string]bool{}
	for refused := range strings.Lines(string(out)) {
		f := compilerError.FindStringSubmatch(strings.TrimSpace(refused))
		if f == nil {
			continue // more of the same
		}
		at, _ := strconv.Atoi(f[1])
		name := at - 1
		for name > 0 && !strings.HasPrefix(lines[name], "export const ") {
			name--
		}
		if f := withoutChange.FindStringSubmatch(lines[name]); f != nil {
			i, _ := strconv.Atoi(f[1])
			changes[i].needed = true
			continue
		}
		_, kind, _ := strings.Cut(lines[name], ": ")
		kind, _, _ = strings.Cut(kind, " = ")
		_, path, _ := strings.Cut(lines[at-1], " // ")
		complaint := fmt.Sprintf("%s %s: %s", kind, path, f[2])
		if !seen[complaint] {
			t.Error(complaint)
		}
		seen[complaint] = true
	}
	if len(seen) == 0 && !slices.ContainsFunc(changes, func(c *change) bool { return c.needed }) {
		t.Errorf("tsc: %v\n%s", err, out)
	}
}
