package head

import (
	"cmp"
	"math"
	"slices"
)

// historyLen is how many groups back a live query may be. At a hundred groups a second that is ten
// seconds; who is further behind runs its query anew.
const historyLen = 1024

// history tells, for each of the last groups, the oldest sample that it or any later group
// brought. Only suffix minima are kept, so both fields of steps ascend.
type history struct {
	steps  []step
	forgot uint64 // the newest group whose step fell off
}

type step struct {
	seq    uint64
	oldest int64
}

// add notes that group seq, the newest, brought a sample of that time.
func (h *history) add(seq uint64, at int64) {
	n := len(h.steps)
	if n > 0 && h.steps[n-1].seq == seq && h.steps[n-1].oldest <= at {
		return
	}
	for n > 0 && h.steps[n-1].oldest >= at {
		n--
	}
	h.steps = h.steps[:n]
	if n > 0 && h.steps[n-1].seq == seq {
		return
	}
	if n == historyLen {
		h.forgot = h.steps[n/2-1].seq
		h.steps = slices.Delete(h.steps, 0, n/2)
	}
	h.steps = append(h.steps, step{seq, at})
}

// since returns the oldest time that any group after seq brought.
func (h *history) since(seq uint64) int64 {
	if seq < h.forgot {
		return math.MinInt64
	}
	i, _ := slices.BinarySearchFunc(h.steps, seq+1, func(s step, seq uint64) int { return cmp.Compare(s.seq, seq) })
	if i == len(h.steps) {
		return math.MaxInt64
	}
	return h.steps[i].oldest
}

// Since returns the time of the oldest sample of the metric called name that groups after
// seq brought, and the newest group applied. The name "*" or "" stands for all metrics. oldest
// is math.MaxInt64 where there was no sample, and math.MinInt64 where seq is too long ago to tell.
func (h *Head) Since(name string, seq uint64) (oldest int64, latest uint64) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if name == "" || name == "*" {
		return h.applied.since(seq), h.seq
	}
	m := h.metrics[name]
	if m == nil {
		return math.MaxInt64, h.seq
	}
	return m.applied.since(seq), h.seq
}
