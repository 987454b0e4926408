package config

import (
	"fmt"
	"slices"
	"strings"
)

// Role is a part of the server that can run in a process of its own.
type Role string

// The roles.
const (
	RoleWeb     Role = "web"     // pages, API, federation's inboxes, media files
	RoleWorker  Role = "worker"  // jobs: transcoding, deliveries
	RoleTracker Role = "tracker" // BitTorrent tracker
	RoleLive    Role = "live"    // live ingest
)

// AllRoles returns every role.
func AllRoles() []Role { return []Role{RoleWeb, RoleWorker, RoleTracker, RoleLive} }

// ParseRoles reads a list as "web,worker"; nothing or "all" means every role.
func ParseRoles(text string) ([]Role, error) {
	var roles []Role
	for word := range strings.SplitSeq(text, ",") {
		role := Role(strings.TrimSpace(word))
		switch {
		case role == "":
		case role == "all":
			roles = append(roles, AllRoles()...)
		case slices.Contains(AllRoles(), role):
			roles = append(roles, role)
		default:
			return nil, &ValueError{"roles", string(role), "all, or some of web, worker, tracker, live with commas between"}
		}
	}
	if len(roles) == 0 {
		roles = AllRoles()
	}
	slices.Sort(roles)
	return slices.Compact(roles), nil
}

// CheckRoles refuses roles that these settings cannot serve: a server that is
// split over processes needs a database and a queue that all of them reach.
func (c *Config) CheckRoles(roles []Role) error {
	for _, role := range AllRoles() {
		if role == RoleLive || slices.Contains(roles, role) {
			continue // no service is bound to live so far, so it may be missing
		}
		if c.UsesSQLite() {
			return fmt.Errorf("roles: this process would not be %s, but SQLite allows one process only; "+
				"run all roles in it, or set database.url to PostgreSQL to split them", role)
		}
		if c.RedisURL() == "" {
			return fmt.Errorf("roles: this process would not be %s, but the embedded queue is seen by one process only; "+
				"run all roles in it, or set redis.hostname to split them", role)
		}
	}
	return nil
}
