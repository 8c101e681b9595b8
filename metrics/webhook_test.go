package metrics

import (
	"fmt"
	"testing"
)

func TestBodyPlacesAreJSONPointers(t *testing.T) {
	for text, want := range map[string]BodyPlace{
		"":          {Origin: FromElement},
		"/":         {Origin: FromElement, Path: []string{""}},
		"/a/0/b c":  {Origin: FromElement, Path: []string{"a", "0", "b c"}},
		"/a~1b/m~0": {Origin: FromElement, Path: []string{"a/b", "m~"}},
		"/~01":      {Origin: FromElement, Path: []string{"~1"}},
		"$":         {Origin: FromBody},
		"$/a":       {Origin: FromBody, Path: []string{"a"}},
		"$key":      {Origin: FromKey},
		"$keys":     {},
		"prod":      {},
		"a/b":       {},
	} {
		want.Text = text
		if got, err := ParseBodyPlace(text); err != nil || fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
			t.Errorf("%q: got %#v, %v, want %#v", text, got, err, want)
		}
	}
	for _, text := range []string{"/~", "/a~2", "$/~"} {
		if got, err := ParseBodyPlace(text); KindOf(err) != Invalid {
			t.Errorf("%q: got %v, %v, want an error of kind Invalid", text, got, err)
		}
	}
}
