package handlers

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"time"

	"liveboard/handlers/jsontext"
	"liveboard/metrics"
	"liveboard/metrics/rank"
)

// jsonScore is a score as {"player":"ada","score":4200,"name":"Ada L.","at":1763777777000,"sub":{"deaths":3},"attributes":{"team":"red"}}.
type jsonScore struct {
	Player     *string         `json:"player"`
	Score      *float64        `json:"score"`
	Name       string          `json:"name"`
	At         *int64          `json:"at"` // Unix milliseconds; now where it is missing
	Sub        jsonSubs        `json:"sub"`
	Attributes scoreAttributes `json:"attributes"`
}

// readScores reads one score, or a list of them. An unknown field is an error: a misspelt one would
// be lost silently. Errors are of kind Invalid, and of TooLarge for a list that is too long.
func readScores(body []byte, now time.Time) (scores []metrics.Score, list bool, err error) {
	d := jsontext.Strict(body)
	if !bytes.HasPrefix(bytes.TrimLeft(body, jsonSpace), []byte("[")) {
		score, err := nextScore(body, d, now)
		if err != nil {
			return nil, false, err
		}
		return []metrics.Score{score}, false, endOf(body, d)
	}
	_, _ = d.Token() // the bracket
	for d.More() {
		if len(scores) == rank.MaxScores {
			return nil, true, metrics.Errorf(metrics.TooLarge, "A request may bring at most %d scores. Send them in parts.", rank.MaxScores)
		}
		score, err := nextScore(body, d, now)
		if err != nil {
			return nil, true, err
		}
		scores = append(scores, score)
	}
	if _, err := d.Token(); err != nil {
		return nil, true, syntaxError(body)
	}
	if len(scores) == 0 {
		return nil, true, metrics.Errorf(metrics.Invalid, "there is no score in the list")
	}
	return scores, true, endOf(body, d)
}

const jsonSpace = " \t\r\n"

// nextScore reads the next score and says in which line it begins where it is wrong.
func nextScore(body []byte, d *json.Decoder, now time.Time) (metrics.Score, error) {
	before := body[d.InputOffset():]
	start := len(body) - len(bytes.TrimLeft(before, jsonSpace+","))
	var js jsonScore
	if err := d.Decode(&js); err != nil {
		if wrong := syntaxError(body); wrong != nil {
			return metrics.Score{}, wrong
		}
		return metrics.Score{}, metrics.Errorf(metrics.Invalid, "line %d: %w", jsontext.LineAt(body, int64(start)), jsontext.Plain(err))
	}
	score, err := js.score(now)
	if err != nil {
		return metrics.Score{}, metrics.Errorf(metrics.Invalid, "line %d: %w", jsontext.LineAt(body, int64(start)), err)
	}
	return score, nil
}

// endOf returns an error where there is more to read.
func endOf(body []byte, d *json.Decoder) error {
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return syntaxError(body)
	}
	return nil
}

// syntaxError says in which line the body is no JSON; nil where it is. It reads the whole body: a
// decoder that goes from token to token does not know where it is.
func syntaxError(body []byte) error {
	var whole json.RawMessage
	if syntax := (*json.SyntaxError)(nil); errors.As(json.Unmarshal(body, &whole), &syntax) {
		return metrics.Errorf(metrics.Invalid, "line %d: %w", jsontext.LineAt(body, syntax.Offset), syntax)
	}
	return nil
}

func (js jsonScore) score(now time.Time) (metrics.Score, error) {
	switch {
	case js.Player == nil:
		return metrics.Score{}, errors.New("the player is missing")
	case js.Score == nil:
		return metrics.Score{}, errors.New("the score is missing")
	}
	s := metrics.Score{Player: *js.Player, Name: js.Name, Value: positiveZero(*js.Score), At: now.UnixMilli(), Subs: js.Sub, Attributes: metrics.Labels(js.Attributes)}
	if js.At != nil {
		s.At = *js.At
	}
	return s, nil
}

// positiveZero returns v, and 0 for −0: they are equal, and people know one of them.
func positiveZero(v float64) float64 {
	if v == 0 {
		return 0
	}
	return v
}

// jsonSubs is an object of numbers, as a sorted list. A map would keep one of two members of the same name.
type jsonSubs []metrics.Sub

// UnmarshalJSON reads what encoding/json has found to be valid JSON.
func (subs *jsonSubs) UnmarshalJSON(text []byte) error {
	return members("sub", text, func(name string, d *json.Decoder) error {
		var value *float64
		if d.Decode(&value) != nil || value == nil {
			return metrics.Errorf(metrics.Invalid, "the sub-score %q must be a number", name)
		}
		at, twice := slices.BinarySearchFunc(*subs, name, func(s metrics.Sub, name string) int { return cmp.Compare(s.Name, name) })
		if twice {
			return metrics.Errorf(metrics.Invalid, "the sub-score %q is there twice", name)
		}
		*subs = slices.Insert(*subs, at, metrics.Sub{Name: name, Value: positiveZero(*value)})
		return nil
	})
}

// scoreAttributes is an object of texts, as a sorted list.
type scoreAttributes metrics.Labels

// UnmarshalJSON reads what encoding/json has found to be valid JSON.
func (ls *scoreAttributes) UnmarshalJSON(text []byte) error {
	return members("attributes", text, func(name string, d *json.Decoder) error {
		var value string
		if d.Decode(&value) != nil || value == "" {
			return metrics.Errorf(metrics.Invalid, "the attribute %q must be a text, and not an empty one", name)
		}
		at, twice := slices.BinarySearchFunc(*ls, name, func(l metrics.Label, name string) int { return cmp.Compare(l.Name, name) })
		if twice {
			return metrics.Errorf(metrics.Invalid, "the attribute %q is there twice", name)
		}
		*ls = slices.Insert(*ls, at, metrics.Label{Name: name, Value: value})
		return nil
	})
}

// members calls read for each member of an object, with the decoder before the value. null is an
// object without members.
func members(what string, text []byte, read func(name string, d *json.Decoder) error) error {
	d := json.NewDecoder(bytes.NewReader(text))
	switch first, _ := d.Token(); first {
	case json.Delim('{'):
	case nil: // null
		return nil
	default:
		return metrics.Errorf(metrics.Invalid, "%s must be an object", what)
	}
	for n := 1; d.More(); n++ {
		name, _ := d.Token()
		if n > rank.MaxMembers {
			return metrics.Errorf(metrics.Invalid, "%s may have at most %d members", what, rank.MaxMembers)
		}
		if err := read(name.(string), d); err != nil {
			return err
		}
	}
	return nil
}
