package ingest

import "testing"

func TestJSONPartsStandOutsideOfTexts(t *testing.T) {
	signs := countSigns([]byte(`{"{,\"{\\":[1,{}],"":"[,\\\"{"}`))
	if signs['{'] != 2 || signs['['] != 1 || signs[','] != 2 {
		t.Errorf("got %d of {, %d of [ and %d of the comma, want 2, 1 and 2", signs['{'], signs['['], signs[','])
	}
}
