package moderation_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/accounts/moderation"
	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

type m = map[string]any

const api = "/api/v1"

// site is a server with alice, bob, a moderator and an administrator, who knows
// carol of a.example and dave of b.example.
type site struct {
	*accountstest.Env
	t     *testing.T
	token map[string]string // by name; "" for nobody
	id    map[string]int64  // of accounts
	actor map[string]int64
}

func each(t *testing.T, test func(t *testing.T, s *site)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := &site{accountstest.New(t, d), t, map[string]string{}, map[string]int64{}, map[string]int64{}}
		for name, role := range map[string]rest.Role{
			"alice": rest.RoleUser, "bob": rest.RoleUser, "mod": rest.RoleModerator, "boss": rest.RoleAdmin,
		} {
			u, token := s.User(name, role)
			s.token[name] = token
			a, err := s.Channels.AccountOfUser(t.Context(), u.ID)
			if err != nil {
				t.Fatal(err)
			}
			s.id[name], s.actor[name] = a.ID, a.ActorID
		}
		s.remote("carol", "a.example")
		s.remote("dave", "b.example")
		test(t, s)
	})
}

func (s *site) remote(name, host string) {
	s.t.Helper()
	iri := "https://" + host + "/accounts/" + name
	var actorID, accountID int64
	err := s.DB.Tx(s.t.Context(), func(tx *db.Tx) error {
		err := tx.Raw(`INSERT INTO actors (iri, type, username, host, name, inbox, public_key_id, created_at, updated_at)
 VALUES (?, 'Person', ?, ?, ?, ?, ?, ?, ?) RETURNING id`, iri, name, host, strings.ToUpper(name), iri+"/inbox", iri+"#key", db.Now(), db.Now()).Scan(&actorID).Error
		if err != nil {
			return err
		}
		return tx.Raw("INSERT INTO accounts (actor_id, created_at, updated_at) VALUES (?, ?, ?) RETURNING id", actorID, db.Now(), db.Now()).Scan(&accountID).Error
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.id[name], s.actor[name] = accountID, actorID
}

func (s *site) as(who, method, path string, body any) accountstest.Answer {
	s.t.Helper()
	return s.Do(method, api+path, s.token[who], body)
}

// want fails unless the request is answered with status.
func (s *site) want(status int, who, method, path string, body any) accountstest.Answer {
	s.t.Helper()
	a := s.as(who, method, path, body)
	if a.Code != status {
		s.t.Errorf("%s: %s %s %v: %d %s, want %d", who, method, path, body, a.Code, a.Text(), status)
	}
	return a
}

// names are the accounts or hosts of a list of mutes.
func (s *site) names(who, path string) (out []string) {
	s.t.Helper()
	for _, row := range s.want(200, who, "GET", path, nil).JSON()["data"].([]any) {
		if a, ok := row.(m)["blockedAccount"].(m); ok {
			out = append(out, fmt.Sprint(a["name"], "@", a["host"]))
		} else {
			out = append(out, row.(m)["blockedServer"].(m)["host"].(string))
		}
	}
	return out
}

func (s *site) rows() (n int64) {
	s.t.Helper()
	err := s.DB.Read(s.t.Context()).Raw("SELECT (SELECT COUNT(*) FROM muted_accounts) + (SELECT COUNT(*) FROM muted_hosts)").Scan(&n).Error
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// TestLists: what is muted is listed for who did it, in PeerTube's shape, and
// gone from the list when it is taken back.
func TestLists(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		const mine, servers, all = "/users/me/blocklist/accounts", "/users/me/blocklist/servers", "/server/blocklist/accounts"
		s.want(204, "alice", "POST", mine, m{"accountName": "carol@a.example"})
		s.want(204, "alice", "POST", mine, m{"accountName": "bob"})
		s.want(204, "alice", "POST", mine, m{"accountName": "bob@" + accountstest.Host}) // once more
		s.want(204, "alice", "POST", servers, m{"host": "B.Example"})
		s.want(204, "alice", "POST", servers, m{"host": "unknown.example:8443"})
		s.want(204, "mod", "POST", all, m{"accountName": "dave@b.example"})
		for _, c := range []struct{ who, path, want string }{
			{"alice", mine, "bob@kinemesh.test carol@a.example"},
			{"alice", mine + "?sort=createdAt", "carol@a.example bob@kinemesh.test"},
			{"alice", mine + "?search=CAR", "carol@a.example"},
			{"alice", mine + "?search=a.example", "carol@a.example"},
			{"alice", mine + "?search=_", ""},
			{"alice", mine + "?start=1&count=1", "carol@a.example"},
			{"alice", servers, "unknown.example:8443 b.example"},
			{"alice", servers + "?search=B.EX&sort=createdAt", "b.example"},
			{"bob", mine, ""},
			{"bob", servers, ""},
			{"mod", mine, ""},
			{"boss", all, "dave@b.example"},
		} {
			if got := strings.Join(s.names(c.who, c.path), " "); got != c.want {
				t.Errorf("%s, %s: %q, want %q", c.who, c.path, got, c.want)
			}
		}
		first := s.want(200, "alice", "GET", mine+"?count=1", nil).JSON()
		row := first["data"].([]any)[0].(m)
		if first["total"] != 2.0 || row["byAccount"].(m)["name"] != "alice" || row["blockedAccount"].(m)["displayName"] != "bob" || row["createdAt"] == nil {
			t.Errorf("my list: %v", first)
		}
		row = s.want(200, "mod", "GET", all, nil).JSON()["data"].([]any)[0].(m)
		if row["byAccount"].(m)["name"] != "peertube" || row["blockedAccount"].(m)["url"] != "https://b.example/accounts/dave" {
			t.Errorf("the instance's list: %v", row)
		}
		s.want(204, "alice", "DELETE", mine+"/bob", nil)
		s.want(204, "alice", "DELETE", mine+"/carol%40a.example", nil)
		s.want(204, "alice", "DELETE", servers+"/unknown.example:8443", nil)
		s.want(204, "alice", "DELETE", servers+"/b.example", nil)
		s.want(204, "boss", "DELETE", all+"/dave@b.example", nil)
		if n := s.rows(); n != 0 {
			t.Errorf("%d rows are left", n)
		}
	})
}

// TestSEC43Mutes: who may do what, and what is refused, with nothing changed.
func TestSEC43Mutes(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.want(204, "bob", "POST", "/users/me/blocklist/accounts", m{"accountName": "carol@a.example"})
		s.want(204, "bob", "POST", "/users/me/blocklist/servers", m{"host": "a.example"})
		s.want(204, "mod", "POST", "/server/blocklist/accounts", m{"accountName": "carol@a.example"})
		before := s.rows()
		const user, mod = 1, 2
		for _, route := range []struct {
			needs        int
			method, path string
			body         any
		}{
			{user, "GET", "/users/me/blocklist/accounts", nil},
			{user, "POST", "/users/me/blocklist/accounts", m{"accountName": "nobody"}},
			{user, "DELETE", "/users/me/blocklist/accounts/dave@b.example", nil},
			{user, "GET", "/users/me/blocklist/servers", nil},
			{user, "POST", "/users/me/blocklist/servers", m{"host": "a b"}},
			{user, "DELETE", "/users/me/blocklist/servers/b.example", nil},
			{mod, "GET", "/server/blocklist/accounts", nil},
			{mod, "POST", "/server/blocklist/accounts", m{"accountName": "nobody"}},
			{mod, "DELETE", "/server/blocklist/accounts/dave@b.example", nil},
		} {
			for who, rank := range map[string]int{"": 0, "alice": 1, "mod": 2, "boss": 3} {
				a := s.as(who, route.method, route.path, route.body)
				switch {
				case who == "" && a.Code != 401, who != "" && rank < route.needs && a.Code != 403:
					t.Errorf("%q: %s %s: %d", who, route.method, route.path, a.Code)
				case rank >= route.needs && (a.Code == 401 || a.Code == 403 || a.Code >= 500):
					t.Errorf("%q: %s %s: %d", who, route.method, route.path, a.Code)
				}
			}
		}
		for _, c := range []struct {
			name, who, method, path string
			body                    any
			status                  int
		}{
			{"no name", "alice", "POST", "/users/me/blocklist/accounts", m{}, 400},
			{"a number", "alice", "POST", "/users/me/blocklist/accounts", m{"accountName": 5}, 400},
			{"two hosts", "alice", "POST", "/users/me/blocklist/accounts", m{"accountName": "a@b@c"}, 400},
			{"a long name", "alice", "POST", "/users/me/blocklist/accounts", m{"accountName": strings.Repeat("a", 600)}, 400},
			{"no JSON", "alice", "POST", "/users/me/blocklist/accounts", "[", 400},
			{"nobody", "alice", "POST", "/users/me/blocklist/accounts", m{"accountName": "nobody@a.example"}, 404},
			{"a channel", "alice", "POST", "/users/me/blocklist/accounts", m{"accountName": "bob_channel"}, 404},
			{"oneself", "alice", "POST", "/users/me/blocklist/accounts", m{"accountName": "alice"}, 409},
			{"oneself for all", "mod", "POST", "/server/blocklist/accounts", m{"accountName": "mod"}, 409},
			{"the instance", "mod", "POST", "/server/blocklist/accounts", m{"accountName": "peertube"}, 404},
			{"no host", "alice", "POST", "/users/me/blocklist/servers", m{}, 400},
			{"a URL", "alice", "POST", "/users/me/blocklist/servers", m{"host": "https://a.example/"}, 400},
			{"spaces", "alice", "POST", "/users/me/blocklist/servers", m{"host": "a b.example"}, 400},
			{"a list", "alice", "POST", "/users/me/blocklist/servers", m{"host": []string{"a.example"}}, 400},
			{"our host", "alice", "POST", "/users/me/blocklist/servers", m{"host": "Kinemesh.TEST"}, 409},
			{"our host with a port", "alice", "POST", "/users/me/blocklist/servers", m{"host": "kinemesh.test:443"}, 409},
			{"another's mute", "alice", "DELETE", "/users/me/blocklist/accounts/carol@a.example", nil, 404}, // SEC-44
			{"another's host", "alice", "DELETE", "/users/me/blocklist/servers/a.example", nil, 404},
			{"the instance's mute", "mod", "DELETE", "/users/me/blocklist/accounts/carol@a.example", nil, 404},
			{"a mute that is not", "mod", "DELETE", "/server/blocklist/accounts/dave@b.example", nil, 404},
			{"a sort", "alice", "GET", "/users/me/blocklist/accounts?sort=id", nil, 400},
			{"a search", "alice", "GET", "/users/me/blocklist/servers?search=" + strings.Repeat("a", 300), nil, 400},
			{"accounts asked for", "alice", "GET", "/blocklist/status?accounts=a@b@c", nil, 400},
			{"hosts asked for", "", "GET", "/blocklist/status?hosts=a%20b", nil, 400},
			{"many asked for", "", "GET", "/blocklist/status?" + strings.Repeat("hosts=a.example&", 101), nil, 400},
		} {
			if a := s.as(c.who, c.method, c.path, c.body); a.Code != c.status {
				t.Errorf("%s: %d %s, want %d", c.name, a.Code, a.Text(), c.status)
			}
		}
		if n := s.rows(); n != before {
			t.Errorf("%d rows, were %d", n, before)
		}
	})
}

// TestStatus: the answer is PeerTube's, and tells apart who has muted what.
func TestStatus(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		raw, err := os.ReadFile("testdata/blocklist-status.json")
		if err != nil {
			t.Fatal(err)
		}
		var recorded struct{ Response struct{ Body m } }
		if err := json.Unmarshal(raw, &recorded); err != nil {
			t.Fatal(err)
		}
		got := s.want(200, "", "GET", "/blocklist/status?accounts=bob@localhost:9012&hosts=localhost:9012", nil).JSON()
		if diff := cmp.Diff(recorded.Response.Body, got); diff != "" {
			t.Errorf("against the recorded one: %s", diff)
		}
		s.want(204, "alice", "POST", "/users/me/blocklist/accounts", m{"accountName": "carol@a.example"})
		s.want(204, "alice", "POST", "/users/me/blocklist/servers", m{"host": "b.example"})
		s.want(204, "mod", "POST", "/server/blocklist/accounts", m{"accountName": "bob"})
		if err := s.Rules.Set(t.Context(), "c.example", hostrule.Block, ""); err != nil {
			t.Fatal(err)
		}
		ask := url.Values{
			"accounts[]": {"carol@a.example", "Bob@" + accountstest.Host, "dave@b.example"}, "hosts": {"b.example", "x.C.example", "a.example"},
		}
		for who, want := range map[string]string{
			"alice": "carol@a.example:user Bob@kinemesh.test:server dave@b.example: b.example:user x.C.example:server a.example:",
			"bob":   "carol@a.example: Bob@kinemesh.test:server dave@b.example: b.example: x.C.example:server a.example:",
			"":      "carol@a.example: Bob@kinemesh.test:server dave@b.example: b.example: x.C.example:server a.example:",
		} {
			a := s.want(200, who, "GET", "/blocklist/status?"+ask.Encode(), nil).JSON()
			for entry := range strings.FieldsSeq(want) {
				i := strings.LastIndexByte(entry, ':')
				kind := "hosts"
				if strings.Contains(entry, "@") {
					kind = "accounts"
				}
				expect := m{"blockedByServer": entry[i+1:] == "server", "blockedByUser": entry[i+1:] == "user"}
				if diff := cmp.Diff(expect, a[kind].(m)[entry[:i]]); diff != "" {
					t.Errorf("%q, %s: %s", who, entry, diff)
				}
			}
		}
	})
}

// TestMutes: what features ask before they show or tell something.
func TestMutes(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		var told []string
		s.Mutes.Muted = func(_ *db.Tx, account, actor int64, host string) error {
			told = append(told, fmt.Sprintf("%t %t %t %q", account == s.id["alice"], account == moderation.Instance, actor == s.actor["carol"], host))
			return nil
		}
		hidden := func(who string) string {
			t.Helper()
			var p *rest.Principal
			if who != "" {
				p = &rest.Principal{AccountID: s.id[who]}
			}
			query, args, some := s.Mutes.Hidden(t.Context(), p)
			if !some {
				return ""
			}
			var names []string
			err := s.DB.Read(t.Context()).Raw("SELECT username FROM actors WHERE id IN ("+query+") ORDER BY username", args...).Scan(&names).Error
			if err != nil {
				t.Fatal(err)
			}
			return strings.Join(names, " ")
		}
		check := func(when string, want map[string]string) {
			t.Helper()
			for who, names := range want {
				if got := hidden(who); got != names {
					t.Errorf("%s, %q is not shown %q, want %q", when, who, got, names)
				}
				if who == "" {
					continue
				}
				for actor, id := range s.actor {
					muted := strings.Contains(" "+names+" ", " "+actor+" ")
					if got, err := s.Mutes.Mutes(t.Context(), s.id[who], id); err != nil || got != muted {
						t.Errorf("%s: Mutes(%s, %s) = %v, %v", when, who, actor, got, err)
					}
					cond, args := moderation.Unmuted("ac.id", id)
					var n int64
					err := s.DB.Read(t.Context()).Raw("SELECT COUNT(*) FROM accounts ac WHERE ac.id = ? AND "+cond, append([]any{s.id[who]}, args...)...).Scan(&n).Error
					if err != nil || (n == 0) != muted {
						t.Errorf("%s: %s hears of %s: %d, %v", when, who, actor, n, err)
					}
				}
			}
		}
		check("at first", map[string]string{"": "", "alice": "", "bob": ""})
		s.want(204, "alice", "POST", "/users/me/blocklist/accounts", m{"accountName": "carol@a.example"})
		s.want(204, "alice", "POST", "/users/me/blocklist/servers", m{"host": "b.example"})
		check("muted by alice", map[string]string{"": "", "alice": "carol dave", "bob": ""})
		s.want(204, "mod", "POST", "/server/blocklist/accounts", m{"accountName": "bob"})
		check("muted by all", map[string]string{"": "bob", "alice": "bob carol dave", "bob": "bob", "boss": "bob"})
		s.want(204, "mod", "DELETE", "/server/blocklist/accounts/bob", nil)
		s.want(204, "alice", "DELETE", "/users/me/blocklist/servers/b.example", nil)
		check("taken back", map[string]string{"": "", "alice": "carol", "bob": ""})
		want := `true false true "", true false false "b.example", false true false ""`
		if got := strings.Join(told, ", "); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
		var none *moderation.Service
		if _, _, some := none.Hidden(t.Context(), nil); some {
			t.Error("no service hides somebody")
		}
		if muted, err := none.Mutes(t.Context(), 1, 2); muted || err != nil {
			t.Errorf("no service mutes: %v, %v", muted, err)
		}
	})
}

// TestGone: who mutes or is muted may be deleted.
func TestGone(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.want(204, "alice", "POST", "/users/me/blocklist/accounts", m{"accountName": "carol@a.example"})
		s.want(204, "alice", "POST", "/users/me/blocklist/accounts", m{"accountName": "dave@b.example"})
		err := s.DB.Tx(t.Context(), func(tx *db.Tx) error {
			if err := tx.Exec("UPDATE actors SET gone_at = ? WHERE id = ?", db.Now(), s.actor["dave"]).Error; err != nil {
				return err
			}
			return tx.Exec("DELETE FROM actors WHERE id = ?", s.actor["carol"]).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		list := s.want(http.StatusOK, "alice", "GET", "/users/me/blocklist/accounts", nil).JSON()
		if list["total"] != 0.0 || len(list["data"].([]any)) != 0 {
			t.Errorf("%v", list)
		}
	})
}
