package delivery

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of deliveries.
type metrics struct {
	// kinemesh_activitypub_deliveries_total{result,class}: attempts. result is
	// delivered, retried or failed; class is how the host was doing before:
	// healthy, shaky or broken.
	deliveries *prometheus.CounterVec
	// kinemesh_activitypub_delivery_attempts: of deliveries that ended.
	attempts prometheus.Histogram
	// kinemesh_activitypub_breaker_opens_total: hosts that stopped answering.
	opens prometheus.Counter
}

// scrapeTime bounds the queries behind a scrape.
const scrapeTime = 2 * time.Second

func newMetrics(o *Outbox, reg prometheus.Registerer) metrics {
	const space, system = "kinemesh", "activitypub"
	m := metrics{
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: space, Subsystem: system, Name: "deliveries_total", Help: "Attempts to deliver.",
		}, []string{"result", "class"}),
		attempts: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: space, Subsystem: system, Name: "delivery_attempts", Help: "Attempts of deliveries that ended.",
			Buckets: []float64{1, 2, 3, 5, 8, 12, 20, 40},
		}),
		opens: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: space, Subsystem: system, Name: "breaker_opens_total", Help: "How often a host stopped answering.",
		}),
	}
	if reg == nil {
		return m
	}
	reg.MustRegister(
		m.deliveries, m.attempts, m.opens,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: space, Subsystem: system, Name: "delivery_oldest_seconds", Help: "Age of the oldest pending delivery.",
		}, func() float64 {
			ctx, stop := context.WithTimeout(context.Background(), scrapeTime)
			defer stop()
			return o.OldestPending(ctx).Seconds()
		}),
		&hostsByClass{o, prometheus.NewDesc("kinemesh_activitypub_hosts", "Hosts that are delivered to.", []string{"class"}, nil)},
	)
	return m
}

// OldestPending is the age of the oldest pending delivery, 0 when there is
// none.
func (o *Outbox) OldestPending(ctx context.Context) time.Duration {
	var rows []Receipt
	err := o.db.Read(ctx).Select("created_at").Where("state = 'pending'").Order("created_at").Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return 0
	}
	return max(o.now().Sub(rows[0].CreatedAt), 0)
}

// hostsByClass counts hosts when it is asked.
type hostsByClass struct {
	o    *Outbox
	desc *prometheus.Desc
}

func (h *hostsByClass) Describe(ch chan<- *prometheus.Desc) { ch <- h.desc }

func (h *hostsByClass) Collect(ch chan<- prometheus.Metric) {
	ctx, stop := context.WithTimeout(context.Background(), scrapeTime)
	defer stop()
	var n struct{ Healthy, Shaky, Broken int64 }
	err := h.o.db.Read(ctx).Raw(`SELECT count(CASE WHEN failures = 0 THEN 1 END) AS healthy,
		count(CASE WHEN failures > 0 AND failures < ? THEN 1 END) AS shaky,
		count(CASE WHEN failures >= ? THEN 1 END) AS broken FROM hosts`, breakAfter, breakAfter).Scan(&n).Error
	if err != nil {
		return // the database's own metrics tell
	}
	for class, v := range map[string]int64{Healthy: n.Healthy, Shaky: n.Shaky, Broken: n.Broken} {
		ch <- prometheus.MustNewConstMetric(h.desc, prometheus.GaugeValue, float64(v), class)
	}
}
