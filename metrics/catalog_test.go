package metrics

import (
	"strconv"
	"strings"
	"testing"
)

func TestCatalogIsBounded(t *testing.T) {
	c := NewCatalog()
	c.Learn("first", About{Help: "old"})
	for i := range 2 * maxAbouts {
		c.Learn("m"+strconv.Itoa(i), About{})
	}
	c.Learn("first", About{Type: "gauge", Help: strings.Repeat("é", maxHelpBytes) + "\xff"})
	all := c.All()
	if len(all) != maxAbouts {
		t.Errorf("it knows %d metrics, want %d", len(all), maxAbouts)
	}
	if got, want := all["first"], (About{Type: "gauge", Help: strings.Repeat("é", maxHelpBytes/2)}); got != want {
		t.Errorf("got %+v, want what was said last, cut off: %+v", got, want)
	}
	c.Learn("odd", About{})
	if _, known := c.All()["odd"]; known {
		t.Error("a name beyond the limit was learned")
	}
}
