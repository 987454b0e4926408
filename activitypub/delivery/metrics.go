package delivery

import "github.com/prometheus/client_golang/prometheus"

// metrics of deliveries.
type metrics struct {
	// kinemesh_activitypub_deliveries_total{result}: delivered, retried,
	// failed.
	deliveries *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) metrics {
	m := metrics{deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "kinemesh", Subsystem: "activitypub", Name: "deliveries_total", Help: "Attempts to deliver.",
	}, []string{"result"})}
	if reg != nil {
		reg.MustRegister(m.deliveries)
	}
	return m
}
