package ingest

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/prometheus/otlptranslator"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"

	"liveboard/metrics"
)

// attributes returns attributes as labels, sorted by name. Those whose names become the same are one, their values with ;
// between: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#metric-attributes
func attributes(list []*commonpb.KeyValue) (labels []metrics.Label, err error) {
	if len(list) > maxLabelsSent { // each name is looked for among all before it
		return nil, metrics.Errorf(metrics.Invalid, "there are %d attributes, at most %d are looked at", len(list), maxLabelsSent)
	}
	list = slices.SortedStableFunc(slices.Values(list), func(a, b *commonpb.KeyValue) int { return cmp.Compare(a.GetKey(), b.GetKey()) })
	var namer otlptranslator.LabelNamer
	for _, a := range list {
		name, err := namer.Build(a.GetKey())
		if err == nil {
			name, err = cleanLabel(name)
		}
		if err != nil {
			return nil, metrics.Errorf(metrics.Invalid, "attribute %q: %w", a.GetKey(), err)
		}
		value := attributeText(a.GetValue())
		if i := slices.IndexFunc(labels, func(l metrics.Label) bool { return l.Name == name }); i >= 0 {
			labels[i].Value += ";" + value
			continue
		}
		labels = append(labels, metrics.Label{Name: name, Value: value})
	}
	slices.SortFunc(labels, func(a, b metrics.Label) int { return cmp.Compare(a.Name, b.Name) })
	return labels, nil
}

// attributeText returns a value as text; lists and maps in JSON.
func attributeText(v *commonpb.AnyValue) string {
	switch plain := plainOf(v).(type) {
	case nil:
		return ""
	case string:
		return plain
	default:
		text, err := json.Marshal(plain)
		if err != nil { // a number that JSON has not
			return strconv.FormatFloat(v.GetDoubleValue(), 'g', -1, 64)
		}
		return string(text)
	}
}

func plainOf(v *commonpb.AnyValue) any {
	switch v := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return v.StringValue
	case *commonpb.AnyValue_BoolValue:
		return v.BoolValue
	case *commonpb.AnyValue_IntValue:
		return v.IntValue
	case *commonpb.AnyValue_DoubleValue:
		return v.DoubleValue
	case *commonpb.AnyValue_BytesValue:
		return base64.StdEncoding.EncodeToString(v.BytesValue)
	case *commonpb.AnyValue_ArrayValue:
		list := []any{}
		for _, element := range v.ArrayValue.GetValues() {
			list = append(list, plainOf(element))
		}
		return list
	case *commonpb.AnyValue_KvlistValue:
		members := map[string]any{}
		for _, member := range v.KvlistValue.GetValues() {
			members[member.GetKey()] = plainOf(member.GetValue())
		}
		return members
	}
	return nil
}

// with returns labels with others set, which have precedence.
func with(labels []metrics.Label, others ...metrics.Label) []metrics.Label {
	set := func(l metrics.Label) bool {
		return slices.ContainsFunc(others, func(o metrics.Label) bool { return o.Name == l.Name })
	}
	return append(slices.DeleteFunc(slices.Clone(labels), set), others...)
}

// identity returns the labels by which Prometheus tells senders apart, and what else is known of a resource.
func identity(resource []*commonpb.KeyValue) (who []metrics.Label, rest []*commonpb.KeyValue) {
	var namespace, name, instance string
	for _, a := range resource {
		switch value := attributeText(a.GetValue()); a.GetKey() {
		case "service.namespace":
			namespace = value
		case "service.name":
			name = value
		case "service.instance.id":
			instance = value
		default:
			rest = append(rest, a)
		}
	}
	if name != "" && namespace != "" {
		name = namespace + "/" + name
	}
	if name != "" {
		who = append(who, metrics.Label{Name: "job", Value: name})
	}
	if instance != "" {
		who = append(who, metrics.Label{Name: "instance", Value: instance})
	}
	return who, rest
}
