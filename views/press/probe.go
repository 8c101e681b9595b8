package press

import "time"

// Probe returns event n of a stream that is there to be measured; gzip says whether it is sent compressed.
func Probe(n int, gzip bool) *Frame {
	c := newComposer()
	c.event("probe", struct {
		N    int   `json:"n"`
		Now  int64 `json:"now"` // the server's time, Unix milliseconds
		Gzip bool  `json:"gzip"`
	}{n, time.Now().UnixMilli(), gzip})
	return c.frame()
}
