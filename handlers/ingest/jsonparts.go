package ingest

import "liveboard/metrics"

// maxJSONParts bounds the memory that JSON of any shape can take once it is taken apart.
const maxJSONParts = 200_000

// checkJSONParts refuses JSON that has very many parts, before it is taken apart.
func checkJSONParts(body []byte) error {
	signs := countSigns(body)
	if parts := signs['{'] + signs['['] + signs[',']; parts > maxJSONParts {
		return metrics.Errorf(metrics.TooLarge, "the JSON has %d objects, lists and members, at most %d are allowed: send it in parts", parts, maxJSONParts)
	}
	return nil
}

// countSigns returns how often each byte stands in JSON outside of texts.
func countSigns(body []byte) (signs [256]int) {
	inside := false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '"':
			inside = !inside
		case !inside:
			signs[c]++
		case c == '\\':
			i++
		}
	}
	return signs
}
