package ingest

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// Room is kept for as much as the header says, so no more may be taken.
func TestABodyTakesAsMuchMemoryAsItSays(t *testing.T) {
	const size = mostBodyBytes + mostBodyBytes/2
	d := &delivery{Request: httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("x", size)))}
	free, err := newRoom(size).read(httptest.NewRecorder(), d, "")
	if err != nil {
		t.Fatal(err)
	}
	defer free()
	if len(d.body) != size || cap(d.body) > 2*size {
		t.Errorf("got %d KiB in %d, want %d in twice that at most", len(d.body)>>10, cap(d.body)>>10, size>>10)
	}
}
