package handlers

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/common/model"

	"liveboard/metrics"
)

// The times between which everything lies, as Prometheus spells them.
var (
	promMinTime = time.Unix(math.MinInt64/1000+62135596801, 0).UTC()
	promMaxTime = time.Unix(math.MaxInt64/1000-62135596801, 999999999).UTC()
)

// badParam says as Prometheus does which parameter is wrong.
func badParam(name string, err error) error {
	return metrics.Errorf(metrics.Invalid, "invalid parameter %q: %w", name, err)
}

// timeParam reads a time, Unix seconds or RFC 3339. One that is left out is missing.
func timeParam(r *http.Request, name string, missing time.Time) (time.Time, error) {
	text := r.FormValue(name)
	if text == "" {
		return missing, nil
	}
	t, err := parseTime(text)
	if err != nil {
		return t, badParam(name, fmt.Errorf("invalid time value for '%s': %w", name, err))
	}
	return t, nil
}

// needTime reads a time that may not be left out.
func needTime(r *http.Request, name string) (time.Time, error) {
	t, err := parseTime(r.FormValue(name))
	if err != nil {
		return t, badParam(name, err)
	}
	return t, nil
}

func parseTime(text string) (time.Time, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(seconds) {
		whole, part := math.Modf(min(max(seconds, float64(promMinTime.Unix())), float64(promMaxTime.Unix())))
		return time.Unix(int64(whole), int64(math.Round(part*1000))*int64(time.Millisecond)).UTC(), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	switch text { // years that RFC 3339 does not know
	case promMinTime.Format(time.RFC3339Nano):
		return promMinTime, nil
	case promMaxTime.Format(time.RFC3339Nano):
		return promMaxTime, nil
	}
	return time.Time{}, fmt.Errorf("cannot parse %q to a valid timestamp", text)
}

// parseSpan reads a duration, seconds or as in 1h30m.
func parseSpan(text string) (time.Duration, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		d := seconds * float64(time.Second)
		if !(math.Abs(d) < math.MaxInt64) {
			return 0, fmt.Errorf("cannot parse %q to a valid duration. It overflows int64", text)
		}
		return time.Duration(d), nil
	}
	d, err := model.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("cannot parse %q to a valid duration", text)
	}
	return time.Duration(d), nil
}

// countParam reads a count. One that is left out is missing.
func countParam(r *http.Request, name string, missing int) (int, error) {
	text := r.FormValue(name)
	if text == "" {
		return missing, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, badParam(name, err)
	}
	return n, nil
}

// limitParam reads how long an answer may be; 0 is no limit.
func limitParam(r *http.Request) (int, error) {
	n, err := countParam(r, "limit", 0)
	if err == nil && n < 0 {
		err = badParam("limit", errors.New("limit must be non-negative"))
	}
	return n, err
}

// spanOf reads start and end, which are those of all time where they are left out.
func spanOf(r *http.Request) (mint, maxt int64, err error) {
	start, err := timeParam(r, "start", promMinTime)
	if err != nil {
		return 0, 0, err
	}
	end, err := timeParam(r, "end", promMaxTime)
	return start.UnixMilli(), end.UnixMilli(), err
}
