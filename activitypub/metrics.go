package activitypub

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics of federation.
type metrics struct {
	// kinemesh_activitypub_deliveries_total{result}: delivered, retried,
	// failed.
	deliveries *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "kinemesh", Subsystem: "activitypub", Name: name, Help: help}, labels)
		if reg != nil {
			reg.MustRegister(c)
		}
		return c
	}
	return metrics{
		deliveries: counter("deliveries_total", "Attempts to deliver.", "result"),
	}
}
