package metrics

import "strings"

// Webhook is how a JSON body becomes samples.
type Webhook struct {
	Name      string
	SecretEnv string // the environment variable whose content a sender may prove to know instead of bearing a token; "" for none
	Metrics   []WebhookMetric
}

// WebhookMetric is how a body becomes samples of one metric.
type WebhookMetric struct {
	Name   string
	Each   *BodyPlace // the list or object each of whose elements is a sample; nil where the body is one
	Value  BodyPlace
	Labels []WebhookLabel     // sorted by name
	Time   *BodyPlace         // RFC 3339, Unix seconds or Unix milliseconds; nil for the time of arrival
	Map    map[string]float64 // what words mean; where there are any, no other is understood
}

// WebhookLabel is a label whose value a body tells.
type WebhookLabel struct {
	Name  string
	Value BodyPlace
}

// BodyPlace is a place in a JSON body, or a text that stands for itself.
type BodyPlace struct {
	Text   string   // as the board file has it
	Path   []string // the names and indexes that lead there
	Origin BodyOrigin
}

// BodyOrigin is where a path begins.
type BodyOrigin int

// The origins of paths. FromNowhere is that of a text that stands for itself.
const (
	FromNowhere BodyOrigin = iota
	FromElement            // of WebhookMetric.Each, which is the body where there is none
	FromBody
	FromKey // no path: the name or index of the element
)

// ParseBodyPlace reads a JSON Pointer (RFC 6901): the empty one is the whole element. $ before it begins at the body, $key
// is the name or index of the element, and any other text stands for itself. The error is of kind Invalid.
func ParseBodyPlace(text string) (BodyPlace, error) {
	place := BodyPlace{Text: text}
	pointer := text
	switch rest, dollar := strings.CutPrefix(text, "$"); {
	case text == "$key":
		place.Origin = FromKey
		return place, nil
	case dollar && (rest == "" || rest[0] == '/'):
		place.Origin, pointer = FromBody, rest
	case text == "" || text[0] == '/':
		place.Origin = FromElement
	default:
		return place, nil
	}
	for i, token := range strings.Split(pointer, "/") {
		plain, ok := unescapePointer(token)
		if !ok {
			return BodyPlace{}, Errorf(Invalid, "%q is no JSON Pointer: after ~ comes 0 (for ~) or 1 (for /)", text)
		}
		if i > 0 {
			place.Path = append(place.Path, plain)
		}
	}
	return place, nil
}

func unescapePointer(token string) (string, bool) {
	rest := strings.NewReplacer("~0", "", "~1", "").Replace(token)
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(token), !strings.Contains(rest, "~")
}
