package client

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"liveboard/data"
)

// Export is the command "export": raw samples as CSV or JSON, on stdout.
type Export struct {
	database
	Query  string `help:"Which series, as a PromQL selector such as up{job=\"shop\"}; all where it is left out."`
	From   string `help:"The first moment: 2026-11-01, 2026-11-01T18:00, RFC 3339 or Unix milliseconds."`
	To     string `help:"The last moment, written the same way."`
	Format string `enum:"csv,json" default:"csv" help:"One of ${enum}; JSON has an object a line."`
}

// Run writes the samples as they are read.
func (c Export) Run() error {
	if err := exists(c.Data); err != nil {
		return err
	}
	sel, err := c.selection()
	if err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	w := data.NewSampleWriter(os.Stdout, data.SampleFormat(c.Format))
	return errors.Join(data.Export(ctx, c.Data, sel, w.Write), w.Flush())
}

func (c Export) selection() (sel data.Selection, err error) {
	if sel.Matchers, err = matchers(c.Query); err != nil {
		return sel, err
	}
	if sel.From, err = moment("--from", c.From, math.MinInt64); err != nil {
		return sel, err
	}
	if sel.To, err = moment("--to", c.To, math.MaxInt64); err != nil {
		return sel, err
	}
	if sel.From > sel.To {
		return sel, fmt.Errorf("--from %s is after --to %s", c.From, c.To)
	}
	return sel, nil
}

func matchers(selector string) ([]*labels.Matcher, error) {
	if selector == "" {
		return nil, nil
	}
	ms, err := parser.NewParser(parser.Options{}).ParseMetricSelector(selector)
	if err != nil {
		return nil, fmt.Errorf("--query %s: write a selector such as up{job=\"shop\"}, without a function or a range: %w", selector, err)
	}
	return ms, nil
}

// moments are the ways to write one, in the zone of the machine where they name none.
var moments = []string{time.RFC3339, "2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04:05"}

// moment reads a flag as Unix milliseconds.
func moment(flag, text string, missing int64) (int64, error) {
	if text == "" {
		return missing, nil
	}
	if at, err := strconv.ParseInt(text, 10, 64); err == nil {
		return at, nil
	}
	for _, layout := range moments {
		if at, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return at.UnixMilli(), nil
		}
	}
	return 0, fmt.Errorf("%s %s: write a time such as 2026-11-01, 2026-11-01T18:00, 2026-11-01T18:00:00+01:00 or Unix milliseconds", flag, text)
}

// Import is the command "import": files of samples into a database that no server has.
type Import struct {
	database
	Files     []string `arg:"" help:"Files that export wrote, or in Prometheus's text format with times; - for stdin."`
	MaxSeries int      `default:"100000" env:"LIVEBOARD_MAX_SERIES" help:"Series in all, as for the server."`
	Format    string   `enum:"auto,csv,json,prometheus" default:"auto" help:"One of ${enum}; auto goes by the end of the name: .csv, .json, .jsonl, .ndjson, and Prometheus's text for others."`
}

// Run imports one file after the other.
func (c Import) Run() (err error) {
	i, err := data.OpenImporter(c.Data, c.MaxSeries, slog.Default())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.Close()) }()
	for _, file := range c.Files {
		if err := c.file(i, file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

func (c Import) file(i *data.Importer, name string) error {
	f := os.Stdin
	if name != "-" {
		var err error
		if f, err = os.Open(name); err != nil {
			return err
		}
		defer f.Close()
	}
	ctx, stop := interruptible()
	defer stop()
	n, err := i.Import(ctx, f, c.format(name))
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d samples\n", name, n)
	return nil
}

func (c Import) format(name string) data.SampleFormat {
	if c.Format != "auto" {
		return data.SampleFormat(c.Format)
	}
	switch filepath.Ext(name) {
	case ".csv":
		return data.CSV
	case ".json", ".jsonl", ".ndjson":
		return data.JSONLines
	}
	return data.PrometheusText
}
