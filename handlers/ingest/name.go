package ingest

import (
	"strings"

	"liveboard/metrics"
)

// cleanName returns what a protocol calls a metric in the alphabet of metric names: every other character becomes _, and a
// digit in front gets a _ before it. An empty name is an error of kind Invalid.
func cleanName(name string) (string, error) {
	if name == "" {
		return "", metrics.Errorf(metrics.Invalid, "a metric name is missing")
	}
	return clean(name, true), nil
}

// cleanLabel is cleanName for the name of a label, which has no colon and begins with no more than one _: two are reserved.
func cleanLabel(name string) (string, error) {
	if name == "" {
		return "", metrics.Errorf(metrics.Invalid, "a label name is missing")
	}
	name = clean(name, false)
	for strings.HasPrefix(name, "__") {
		name = name[1:]
	}
	return name, nil
}

func clean(name string, colon bool) string {
	allowed := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == ':' && colon
	}
	if name[0] >= '0' && name[0] <= '9' {
		name = "_" + name
	}
	return strings.Map(func(r rune) rune {
		if allowed(r) {
			return r
		}
		return '_'
	}, name)
}
