package ingest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"

	"liveboard/handlers/jsontext"
	"liveboard/metrics"
)

func init() {
	register(protocol{format: "collectd", routes: []string{"POST /collectd"}, read: readCollectd})
}

// valueList is what collectd's write_http calls one of the objects that it sends, when its Format is JSON:
// https://www.collectd.org/documentation/manpages/collectd.conf.html#plugin-write_http
type valueList struct {
	Values         []*float64 `json:"values"` // null where there is none
	Types          []string   `json:"dstypes"`
	Names          []string   `json:"dsnames"`
	Time           float64    `json:"time"` // Unix seconds; now where it is missing
	Host           string     `json:"host"`
	Plugin         string     `json:"plugin"`
	PluginInstance string     `json:"plugin_instance"`
	Type           string     `json:"type"`
	TypeInstance   string     `json:"type_instance"`
}

// maxListBytes bounds a body, of which collectd's have 4 KiB by default: what it is taken apart into is larger.
const maxListBytes = 512 << 10

// readCollectd reads a list of value lists. One that is wrong is left out: collectd sends nothing again.
func readCollectd(d *delivery) (metrics.Batch, error) {
	if len(d.body) > maxListBytes {
		return metrics.Batch{}, metrics.Errorf(metrics.TooLarge, "The body is larger than %d KiB: lower collectd's BufferSize.", maxListBytes>>10)
	}
	batch := metrics.Batch{Partial: true}
	decoder := json.NewDecoder(bytes.NewReader(d.body))
	wrong := func(err error) (metrics.Batch, error) { return metrics.Batch{}, jsontext.Error(d.body, decoder, err) }
	if open, err := decoder.Token(); err != nil || open != json.Delim('[') {
		return wrong(cmp.Or(err, errors.New("want a list")))
	}
	for decoder.More() {
		var list valueList
		if err := decoder.Decode(&list); err != nil {
			return wrong(err)
		}
		samples, err := list.samples(d)
		if err != nil {
			d.leave(func() error { return metrics.Errorf(metrics.Invalid, "%s of %s: %w", list.Type, list.Plugin, err) })
		}
		batch.Samples = append(batch.Samples, samples...)
	}
	if _, err := decoder.Token(); err != nil {
		return wrong(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return wrong(errors.New("there is more after the list"))
	}
	return batch, nil
}

func (v *valueList) samples(d *delivery) (samples []metrics.Sample, err error) {
	if len(v.Values) != len(v.Types) || len(v.Values) != len(v.Names) || len(v.Values) == 0 {
		return nil, errors.New("want a value, a dstype and a dsname each")
	}
	if math.Abs(v.Time) > math.MaxUint32 {
		return nil, metrics.Errorf(metrics.Invalid, "%v is not a time in Unix seconds", v.Time)
	}
	at := d.now.UnixMilli()
	if v.Time != 0 {
		at = int64(math.Round(v.Time * 1000))
	}
	for i, value := range v.Values {
		if value == nil {
			d.skipped++
			continue
		}
		s := metrics.Sample{At: at, Value: *value}
		if s.Series, err = v.series(i); err != nil {
			return nil, err
		}
		if err := s.Check(d.now); err != nil {
			return nil, err
		}
		samples = append(samples, s)
	}
	return samples, nil
}

// series names the value of that index as collectd's own write_prometheus does.
func (v *valueList) series(i int) (metrics.Series, error) {
	words := []string{"collectd"}
	if v.Plugin != v.Type {
		words = append(words, v.Plugin)
	}
	words = append(words, v.Type)
	if v.Names[i] != "value" {
		words = append(words, v.Names[i])
	}
	if v.Types[i] == "counter" || v.Types[i] == "derive" {
		words = append(words, "total")
	}
	plugin, err := cleanLabel(v.Plugin)
	if err != nil {
		return metrics.Series{}, err
	}
	ofType := "type"
	if v.PluginInstance == "" {
		ofType = plugin
	}
	return metrics.NewSeries(clean(strings.Join(words, "_"), true),
		metrics.Label{Name: "instance", Value: v.Host},
		metrics.Label{Name: plugin, Value: v.PluginInstance},
		metrics.Label{Name: ofType, Value: v.TypeInstance})
}
