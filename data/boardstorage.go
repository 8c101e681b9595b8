package data

import (
	"regexp"
	"strconv"
	"time"

	"github.com/goccy/go-yaml/ast"

	"liveboard/metrics"
)

// Bounds of what a board may ask to keep. A day is what roll-ups need at least to be made of.
const (
	minRetention = 24 * time.Hour
	maxRetention = 100 * 365 * 24 * time.Hour
	minBudget    = 64 << 20
)

func (r *boardParser) storage(to *metrics.Storage) reads {
	return func(n ast.Node) {
		r.mapping(n, "storage", fields{
			"budget":    r.bytes(&to.Budget, minBudget),
			"retention": r.retention(&to.Retention),
		})
	}
}

// retention reads the age of each tier. A finer one that is kept longer than a coarser would make that useless.
func (r *boardParser) retention(to *[len(metrics.Tiers)]time.Duration) reads {
	return func(n ast.Node) {
		keys := fields{}
		for i, name := range metrics.Tiers {
			keys[name] = r.span(&to[i], minRetention, maxRetention)
		}
		found := r.mapping(n, "retention", keys)
		for i := 1; i < len(to); i++ {
			if finer := metrics.Tiers[i-1]; found != nil && to[i] < to[i-1] {
				r.fail(placeOf(found.or(metrics.Tiers[i], found.or(finer, n))), "%s is kept for less time than %s, which is finer; give both the same time at least",
					metrics.Tiers[i], finer)
			}
		}
	}
}

var bytesPattern = regexp.MustCompile(`^([1-9]\d{0,5})(MiB|GiB|TiB)$`)

var byteUnits = map[string]int64{"MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}

// bytes reads a number of bytes as 500MiB or 2GiB, or none, which is 0.
func (r *boardReader) bytes(to *int64, low int64) reads {
	return func(n ast.Node) {
		text, ok := r.scalar(n)
		if !ok {
			return
		}
		if text == "none" {
			*to = 0
			return
		}
		m := bytesPattern.FindStringSubmatch(text)
		if m == nil {
			r.fail(placeOf(n), "%q is no size; write it as 500MiB, 2GiB or 1TiB, or none for no limit", text)
			return
		}
		number, _ := strconv.ParseInt(m[1], 10, 64)
		if number *= byteUnits[m[2]]; number < low {
			r.fail(placeOf(n), "a budget of %s is too small to keep anything; %dMiB is the least", text, low>>20)
			return
		}
		*to = number
	}
}
