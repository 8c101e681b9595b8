package metrics

import (
	"strconv"
	"strings"
	"testing"
)

func TestCatalogIsBounded(t *testing.T) {
	c := NewCatalog()
	tooLong := strings.Repeat("n", MaxNameBytes+1)
	c.Learn(tooLong, About{})
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
	c.Learn("first", About{Unit: strings.Repeat("u", 2*MaxNameBytes)})
	if got := len(c.All()["first"].Unit); got != MaxNameBytes {
		t.Errorf("the unit has %d bytes, want it cut off at %d", got, MaxNameBytes)
	}
	c.Learn("odd", About{})
	for _, name := range []string{"odd", tooLong} {
		if _, known := c.All()[name]; known {
			t.Errorf("%s was learned, which is beyond the limits", name)
		}
	}
}
