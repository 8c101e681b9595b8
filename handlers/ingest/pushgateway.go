package ingest

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"liveboard/metrics"
)

func init() { openers = append(openers, openGateway) }

// openGateway returns what speaks like Prometheus's Pushgateway: https://github.com/prometheus/pushgateway
func openGateway(i *Intake) ([]protocol, func(context.Context)) {
	g := newGateway(i)
	p := protocol{format: gatewayFormat, take: g.push, accept: acceptPush, refuse: refusePush}
	for _, method := range []string{http.MethodPut, http.MethodPost, http.MethodDelete} {
		p.routes = append(p.routes, method+" "+jobPath+"*", method+" "+jobPath64+"*")
	}
	return []protocol{p}, g.run
}

const (
	gatewayFormat = "pushgateway"
	jobPath       = "/metrics/job/"
	jobPath64     = "/metrics/job@base64/"
)

// push takes what a batch job says of itself: PUT in the place of all that it said before, POST in the place of the
// metrics of the same names. DELETE takes all of it away.
func (g *gateway) push(d *delivery) error {
	labels, err := groupingLabels(d.URL)
	if err != nil {
		return err
	}
	key, err := metrics.NewSeries(pushTime, labels...)
	if err != nil {
		return err
	}
	if d.Method == http.MethodDelete {
		return g.remove(d, key)
	}
	told, err := readExposition(d.body, d.Header.Get("Content-Type"), labels)
	if err != nil {
		return err
	}
	return g.take(d, key, told)
}

// acceptPush answers as the Pushgateway does.
func acceptPush(w http.ResponseWriter, d *delivery) {
	if d.Method == http.MethodDelete {
		w.WriteHeader(http.StatusAccepted)
	}
}

// refusePush tells what is wrong with a push in plain text, which clients print.
func refusePush(i *Intake, w http.ResponseWriter, r *http.Request, err error) {
	if kind := metrics.KindOf(err); kind != metrics.Invalid && kind != metrics.Conflict {
		i.Fail(w, r, err)
		return
	}
	http.Error(w, err.Error(), http.StatusBadRequest)
}

// groupingLabels returns the labels of the path /metrics/job/NAME/LABEL/VALUE… A name that ends in @base64 has a value
// in the alphabet for URLs of RFC 4648. A slash in a value may also come as %2F.
func groupingLabels(u *url.URL) ([]metrics.Label, error) {
	path, ok := strings.CutPrefix(u.EscapedPath(), jobPath)
	first := "job"
	if !ok {
		path, first = strings.TrimPrefix(u.EscapedPath(), jobPath64), "job@base64"
	}
	parts := strings.Split(first+"/"+strings.TrimSuffix(path, "/"), "/")
	if len(parts)%2 != 0 {
		return nil, metrics.Errorf(metrics.Invalid, "odd number of components in label string %q", path)
	}
	var all []metrics.Label
	for i := 0; i < len(parts); i += 2 {
		l, err := groupingLabel(parts[i], parts[i+1])
		if err != nil {
			return nil, err
		}
		if i > 0 && l.Name == "job" { // the first is the job's
			continue
		}
		all = append(without(all, l.Name), l)
	}
	if all[0].Value == "" {
		return nil, metrics.Errorf(metrics.Invalid, "job name is required")
	}
	return all, nil
}

func groupingLabel(escapedName, escapedValue string) (metrics.Label, error) {
	name, nameErr := url.PathUnescape(escapedName)
	value, valueErr := url.PathUnescape(escapedValue)
	if err := errors.Join(nameErr, valueErr); err != nil {
		return metrics.Label{}, metrics.Errorf(metrics.Invalid, "the path is no URL: %w", err)
	}
	name, encoded := strings.CutSuffix(name, "@base64")
	if encoded {
		text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(value, "="))
		if err != nil {
			return metrics.Label{}, metrics.Errorf(metrics.Invalid, "invalid base64 encoding for label %s=%q: %w", name, value, err)
		}
		value = string(text)
	}
	return metrics.Label{Name: name, Value: value}, nil
}

// without returns the labels without those of that name.
func without(all []metrics.Label, name string) []metrics.Label {
	kept := make([]metrics.Label, 0, len(all)+1)
	for _, l := range all {
		if l.Name != name {
			kept = append(kept, l)
		}
	}
	return kept
}
