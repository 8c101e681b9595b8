package collect

import (
	"errors"
	"fmt"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"liveboard/metrics"
)

// CheckRelabel returns nil, or why the rule cannot be followed. An error that begins with a key
// of the board file ("regex: …") is about that key.
func CheckRelabel(rule metrics.RelabelRule) error {
	_, err := compile(rule)
	return err
}

// rules turns the rules into Prometheus's own, which must pass CheckRelabel.
func rules(from []metrics.RelabelRule) []*relabel.Config {
	all := make([]*relabel.Config, len(from))
	for i, rule := range from {
		compiled, err := compile(rule)
		if err != nil {
			panic(err) // Check has refused it
		}
		all[i] = compiled
	}
	return all
}

// prometheusKeys are the keys in Prometheus's errors, and ours.
var prometheusKeys = strings.NewReplacer("target_label", "target-label", "source_labels", "source-labels")

func compile(rule metrics.RelabelRule) (*relabel.Config, error) {
	c := relabel.DefaultRelabelConfig
	c.Action = relabel.Action(rule.Action)
	c.Separator, c.TargetLabel, c.Replacement = rule.Separator, rule.TargetLabel, rule.Replacement
	c.Modulus = uint64(rule.Modulus)
	for _, name := range rule.SourceLabels {
		if !model.LegacyValidation.IsValidLabelName(name) {
			return nil, fmt.Errorf("source-labels: %q is no label name", name)
		}
		c.SourceLabels = append(c.SourceLabels, model.LabelName(name))
	}
	if rule.Regex != c.Regex.String() { // the default one is told by its address
		regex, err := relabel.NewRegexp(rule.Regex)
		if err != nil {
			return nil, fmt.Errorf("regex: %w", err)
		}
		c.Regex = regex
	}
	if err := c.Validate(model.LegacyValidation); err != nil {
		return nil, errors.New(prometheusKeys.Replace(err.Error()))
	}
	return &c, nil
}

// relabeled returns what the rules make of the series of that name and labels, or false where they drop it.
// Labels that begin with __ are notes from one rule to the next.
func relabeled(b *labels.Builder, rules []*relabel.Config, name string, own []metrics.Label) (string, []metrics.Label, bool) {
	b.Reset(labels.EmptyLabels())
	b.Set(metrics.NameLabel, name)
	for _, l := range own {
		b.Set(l.Name, l.Value)
	}
	if !relabel.ProcessBuilder(b, rules...) {
		return "", nil, false
	}
	kept := own[:0:0]
	b.Range(func(l labels.Label) {
		if !strings.HasPrefix(l.Name, "__") {
			kept = append(kept, metrics.Label{Name: l.Name, Value: l.Value})
		}
	})
	return b.Get(metrics.NameLabel), kept, true
}
