package panels

import (
	"slices"

	"liveboard/metrics"
)

// severity orders states from good to bad; a value without thresholds is the least of all.
func severity(s metrics.State) int {
	return slices.Index([]metrics.State{metrics.Neutral, metrics.OK, metrics.Warn, metrics.Crit}, s)
}

// worst returns the state of higher severity.
func worst(a, b metrics.State) metrics.State {
	if severity(b) > severity(a) {
		return b
	}
	return a
}

// stateWord is what people call the threshold reached, for colour alone says nothing to many. What is
// simply ok needs no word.
func stateWord(t metrics.Threshold) string {
	if t.Text != "" {
		return t.Text
	}
	switch t.State {
	case metrics.Warn:
		return "warning"
	case metrics.Crit:
		return "critical"
	}
	return ""
}
