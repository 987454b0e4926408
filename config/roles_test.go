package config

import (
	"slices"
	"testing"
)

func TestParseRoles(t *testing.T) {
	for text, want := range map[string][]Role{
		"":                 {RoleLive, RoleTracker, RoleWeb, RoleWorker},
		"all":              {RoleLive, RoleTracker, RoleWeb, RoleWorker},
		"web":              {RoleWeb},
		"worker, web,web":  {RoleWeb, RoleWorker},
		"tracker,all":      {RoleLive, RoleTracker, RoleWeb, RoleWorker},
		"web,worker,broom": nil,
		"WEB":              nil,
	} {
		got, err := ParseRoles(text)
		if !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("ParseRoles(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestCheckRoles(t *testing.T) {
	split := []Role{RoleWeb, RoleTracker}
	for _, tc := range []struct {
		name, database, redis string
		roles                 []Role
		want                  string // part of the refusal
	}{
		{"one process", "", "", AllRoles(), ""},
		{"one process without live", "", "", []Role{RoleWeb, RoleWorker, RoleTracker}, ""},
		{"one process on PostgreSQL", "postgres://k@localhost/k", "", AllRoles(), ""},
		{"split", "postgres://k@localhost/k", "redis://localhost:6379", split, ""},
		{"split on SQLite", "", "redis://localhost:6379", split, "SQLite allows one process only"},
		{"split on the embedded queue", "postgres://k@localhost/k", "", split, "embedded queue is seen by one process only"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := Default()
			c.Database.URL, c.Redis.URL = Secret(tc.database), Secret(tc.redis)
			err := c.CheckRoles(tc.roles)
			if (err == nil) != (tc.want == "") || err != nil && !contains(err.Error(), tc.want) {
				t.Errorf("CheckRoles(%v) = %v, want %q", tc.roles, err, tc.want)
			}
			if err != nil && !contains(err.Error(), "worker") {
				t.Errorf("%q does not name the missing role", err)
			}
		})
	}
}
