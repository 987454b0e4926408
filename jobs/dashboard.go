package jobs

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/hibiken/asynqmon"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinemesh/kinemesh/config/db"
)

// Dashboard returns the pages of asynqmon for the broker, to be mounted at root
// ("/admin/…", no slash at the end). They have no login of their own: the
// caller lets only administrators in (SEC-49). They are made when somebody looks
// at them, since they hold connections and much else.
func (r *Runner) Dashboard(root string, readOnly bool) http.Handler {
	pages := sync.OnceValue(func() http.Handler {
		return asynqmon.New(asynqmon.Options{RootPath: root, RedisConnOpt: r.broker.opt, ReadOnly: readOnly})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { pages().ServeHTTP(w, req) })
}

type metrics struct{ total *prometheus.CounterVec }

func newMetrics(reg prometheus.Registerer) metrics {
	m := metrics{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "kinemesh_jobs_total",
		Help: "Job attempts by kind and result.", // result: done, retry, dead, handed_back, cancelled, panic
	}, []string{"kind", "result"})}
	if reg != nil {
		reg.MustRegister(m.total)
	}
	return m
}

// Counts is the number of rows in each state.
func (r *Runner) Counts(ctx context.Context) (map[string]int64, error) {
	var rows []struct {
		State string
		N     int64
	}
	err := r.db.Read(ctx).Model(&Job{}).Select("state, count(*) AS n").Group("state").Scan(&rows).Error
	out := map[string]int64{}
	for _, x := range rows {
		out[x.State] = x.N
	}
	return out, err
}

// OldestWaiting is the age of the oldest job that could run and has not
// started; 0 when there is none.
func (r *Runner) OldestWaiting(ctx context.Context) (time.Duration, error) {
	var j Job
	now := db.Now()
	err := r.db.Read(ctx).Select("run_at").Where("state = ? AND run_at <= ?", Waiting, now).Order("run_at, id").Limit(1).Find(&j).Error
	if err != nil || j.RunAt.IsZero() {
		return 0, err
	}
	return now.Sub(j.RunAt), nil
}
