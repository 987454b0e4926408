package inbox

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinemesh/kinemesh/activitypub/vocab"
)

// metrics of the inbox.
type metrics struct {
	// kinemesh_activitypub_inbox_total{result}: accepted, repeat, ignored,
	// invalid, too_large, type, blocked, limited, rate, origin, key, and the reasons
	// of signature: missing, ambiguous, malformed, algorithm, coverage,
	// digest, date, host, mismatch.
	requests *prometheus.CounterVec
	// kinemesh_activitypub_activities_total{activity,result}: activity is a
	// type of AS2 or "other"; result is done, dropped, retried, superseded, dead.
	activities *prometheus.CounterVec
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
		requests:   counter("inbox_total", "Requests to inboxes.", "result"),
		activities: counter("activities_total", "Activities taken from the inbox.", "activity", "result"),
	}
}

// activityLabel keeps the label closed.
func activityLabel(t string) string {
	if vocab.Known(t) || t == "View" || t == "ApproveReply" || t == "RejectReply" {
		return t
	}
	return "other"
}
