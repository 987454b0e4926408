package moderation

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/web/rest"
)

// maxAsked bounds the accounts, and the hosts, of one question.
const maxAsked = 100

// apiStatus tells who has muted something.
type apiStatus struct {
	ByServer bool `json:"blockedByServer"`
	ByUser   bool `json:"blockedByUser"`
}

// handle is an account as a client names it.
type handle struct{ given, name, host string }

// status tells of accounts and hosts whether the instance or who asks has muted
// them (OpenAPI BlockStatus). What is unknown is not muted.
func (s *Service) status(c echo.Context) error {
	var check rest.Checker
	ask := func(param string) []string {
		values := rest.QueryValues(c, param)
		if len(values) > maxAsked {
			check.Refuse("query", param, "Should be at most 100", len(values))
		}
		return values
	}
	accounts, hosts := ask("accounts"), ask("hosts")
	handles := make([]handle, len(accounts))
	for i, given := range accounts {
		name, host, _ := strings.Cut(given, "@")
		if name == "" || strings.Contains(host, "@") || len(given) > 512 || !input.Plain(given) {
			check.Refuse("query", "accounts", "Should be of the form name or name@host", given)
		}
		if host = strings.ToLower(host); s.o.Actors.ServesHost(host) {
			host = ""
		}
		handles[i] = handle{given, strings.ToLower(name), host}
	}
	names := make(map[string]string, len(hosts)) // as given: normal
	for _, given := range hosts {
		name, err := normal(given)
		if err != nil {
			check.Refuse("query", "hosts", "Should be hosts", given)
		}
		names[given] = name
	}
	if err := check.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	me := Instance
	if p := rest.Current(ctx); p != nil {
		me = p.AccountID
	}
	ofAccounts, err := s.ofAccounts(ctx, me, handles)
	if err != nil {
		return err
	}
	ofHosts, err := s.ofHosts(ctx, me, names)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]map[string]apiStatus{"accounts": ofAccounts, "hosts": ofHosts})
}

func (s *Service) ofAccounts(ctx context.Context, me int64, handles []handle) (map[string]apiStatus, error) {
	out := make(map[string]apiStatus, len(handles))
	if len(handles) == 0 {
		return out, nil
	}
	pairs := make([][]any, len(handles))
	for i, h := range handles {
		pairs[i] = []any{h.name, h.host}
	}
	var rows []struct {
		Name, Host string
		AccountID  *int64
	}
	err := s.o.DB.Read(ctx).Table("muted_accounts m").Joins("JOIN actors a ON a.id = m.actor_id").
		Select("lower(a.username) AS name, a.host, m.account_id").
		Where("(m.account_id IS NULL OR m.account_id = ?) AND (lower(a.username), a.host) IN ?", me, pairs).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("look up mutes of accounts: %w", err)
	}
	for _, h := range handles {
		var st apiStatus
		for _, r := range rows {
			if r.Name == h.name && r.Host == h.host {
				st.ByServer, st.ByUser = st.ByServer || r.AccountID == nil, st.ByUser || r.AccountID != nil
			}
		}
		out[h.given] = st
	}
	return out, nil
}

func (s *Service) ofHosts(ctx context.Context, me int64, names map[string]string) (map[string]apiStatus, error) {
	out := make(map[string]apiStatus, len(names))
	muted := map[string]bool{}
	if len(names) > 0 && me != Instance {
		asked := make([]string, 0, len(names))
		for _, name := range names {
			asked = append(asked, name)
		}
		var rows []string
		err := s.o.DB.Read(ctx).Model(&Host{}).Where("account_id = ? AND host IN ?", me, asked).Pluck("host", &rows).Error
		if err != nil {
			return nil, fmt.Errorf("look up mutes of hosts: %w", err)
		}
		for _, host := range rows {
			muted[host] = true
		}
	}
	for given, name := range names {
		out[given] = apiStatus{s.o.Rules != nil && s.o.Rules.Blocked(ctx, name), muted[name]}
	}
	return out, nil
}
