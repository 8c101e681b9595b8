package metrics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// memory is a Log and an Applier without a disk. A commit takes the time it is told to.
type memory struct {
	commitFor time.Duration

	mu       sync.Mutex
	refuse   error      // what Append returns
	groups   [][]Sample // appended
	arrivals []Arrival  // appended
	applied  []uint64
	known    map[Series]bool
}

func (m *memory) Append(_ context.Context, samples []Sample, arrivals []Arrival) (uint64, error) {
	time.Sleep(m.commitFor)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		return 0, m.refuse
	}
	m.groups = append(m.groups, slices.Clone(samples))
	m.arrivals = append(m.arrivals, arrivals...)
	return uint64(len(m.groups)), nil
}

func (m *memory) Apply(seq uint64, samples []Sample) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.applied = append(m.applied, seq)
	if m.known == nil {
		m.known = make(map[Series]bool)
	}
	for _, s := range samples {
		m.known[s.Series] = true
	}
}

func (m *memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.known)
}

func (m *memory) Fresh(samples []Sample) (fresh []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, s := range samples {
		if !m.known[s.Series] {
			fresh = append(fresh, i)
		}
	}
	return fresh
}

func (m *memory) forget(gone []Arrival) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range gone {
		delete(m.known, a.Series)
	}
}

// batch returns a batch with one sample of now for each name.
func batch(t *testing.T, names ...string) Batch {
	t.Helper()
	var b Batch
	for _, name := range names {
		s, err := NewSeries(name)
		if err != nil {
			t.Fatal(err)
		}
		b.Samples = append(b.Samples, Sample{s, time.Now().UnixMilli(), 1})
	}
	return b
}

func TestRecordReturnsAfterCommitApplyAndBell(t *testing.T) {
	var m memory
	var rung [][]string
	r := NewRecorder(RecorderConfig{Log: &m, Applier: &m, Bell: func(names []string) { rung = append(rung, names) }})
	defer r.Close()
	if err := r.Record(t.Context(), batch(t, "up", "load", "up")); err != nil {
		t.Fatal(err)
	}
	if len(m.groups) != 1 || !slices.Equal(m.applied, []uint64{1}) {
		t.Errorf("got %d groups, applied %v; want one of each", len(m.groups), m.applied)
	}
	if len(rung) != 1 || !slices.Equal(rung[0], []string{"up", "load"}) {
		t.Errorf("the bell got %v, want each name once", rung)
	}
}

func TestRecordCommitsALoneBatchAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memory{commitFor: 3 * time.Millisecond}
		r := NewRecorder(RecorderConfig{Log: &m, Applier: &m})
		defer r.Close()
		start := time.Now()
		if err := r.Record(t.Context(), batch(t, "up")); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != m.commitFor {
			t.Errorf("took %v, want no more than the commit's %v", took, m.commitFor)
		}
	})
}

func TestBatchesThatWaitShareACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memory{commitFor: time.Second}
		r := NewRecorder(RecorderConfig{Log: &m, Applier: &m})
		defer r.Close()
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				if err := r.Record(t.Context(), batch(t, fmt.Sprintf("m%d", i))); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		wg.Wait()
		if len(m.groups) != 2 || len(m.groups[0]) != 1 || len(m.groups[1]) != 9 {
			t.Errorf("got %d groups, want one of the first batch and one of the nine that waited", len(m.groups))
		}
		if s := r.Stats(); s.Samples != 10 || s.Batches != 10 || s.Groups != 2 || s.Commit.Count != 10 || s.Commit.Sum != 1+9*2 {
			t.Errorf("got stats %+v", s)
		}
	})
}

func TestRecordRefusesTheWholeBatch(t *testing.T) {
	var m memory
	r := NewRecorder(RecorderConfig{Log: &m, Applier: &m})
	defer r.Close()
	old := batch(t, "up", "load")
	old.Samples[1].At -= (MaxPast + time.Minute).Milliseconds()
	tests := []struct {
		name  string
		batch Batch
		want  Kind
	}{
		{"sample too old", old, Invalid},
		{"too many samples", Batch{Samples: make([]Sample, MaxBatchSamples+1)}, TooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := r.Record(t.Context(), tt.batch)
			if err == nil || KindOf(err) != tt.want {
				t.Errorf("got error %v, want one of kind %d", err, tt.want)
			}
			if len(m.groups) != 0 {
				t.Errorf("%d groups were appended", len(m.groups))
			}
		})
	}
}

func TestRecordTellsThatTheLogFailed(t *testing.T) {
	full := errors.New("disk full")
	m := memory{refuse: full}
	r := NewRecorder(RecorderConfig{Log: &m, Applier: &m, Bell: func([]string) { t.Error("the bell rang") }})
	defer r.Close()
	err := r.Record(t.Context(), batch(t, "up"))
	if !errors.Is(err, full) || KindOf(err) != Unavailable {
		t.Errorf("got error %v, want one of kind Unavailable around %q", err, full)
	}
	if len(m.applied) != 0 || r.Stats().Failures != 1 {
		t.Errorf("applied %v, failures %d; want none applied and one failure", m.applied, r.Stats().Failures)
	}
}

func TestRecordHoldsTheLimitOfSeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memory{commitFor: time.Second}
		r := NewRecorder(RecorderConfig{Log: &m, Applier: &m, MaxSeries: 3})
		defer r.Close()
		batches := []Batch{
			batch(t, "a"),           // commits alone while the others gather
			batch(t, "b", "a", "b"), // one new series
			batch(t, "c", "d"),      // one too many: all of it is refused
			batch(t, "c", "b"),      // fits, b is new in this very group
			batch(t, "e"),           // one too many
			batch(t, "a"),           // known
		}
		errs := make([]error, len(batches))
		var wg sync.WaitGroup
		for i, b := range batches {
			wg.Go(func() { errs[i] = r.Record(t.Context(), b) })
			synctest.Wait()
		}
		wg.Wait()
		for i, refused := range []bool{false, false, true, false, true, false} {
			if refused != (errs[i] != nil) || refused && KindOf(errs[i]) != TooMany {
				t.Errorf("batch %d: got error %v, want refused %v", i, errs[i], refused)
			}
		}
		if len(m.known) != 3 {
			t.Errorf("got %d series, want 3", len(m.known))
		}
	})
}

func TestRecordHoldsTheLimitOfSeriesOfAToken(t *testing.T) {
	var m memory
	var arrived []Arrival
	r := NewRecorder(RecorderConfig{Log: &m, Applier: &m, MaxSeriesPerToken: 3, SeriesPerToken: map[string]int{"till": 1},
		Arrived: func(as []Arrival) { arrived = append(arrived, as...) }})
	defer r.Close()
	from := func(token string, b Batch) Batch {
		b.Origin.Token = token
		return b
	}
	for i, tt := range []struct {
		batch Batch
		want  Kind
	}{
		{from("till", batch(t, "a", "b", "a")), Internal},
		{from("till", batch(t, "c")), TooMany},
		{from("till", batch(t, "a", "c")), TooMany},
		{from("till", batch(t, "a", "b")), Internal}, // known series go on
		{from("door", batch(t, "c")), Internal},
		{from("till", batch(t, "c")), Internal}, // another has brought it
		{from("", batch(t, "d", "e", "f", "g")), Internal},
	} {
		if err := r.Record(t.Context(), tt.batch); KindOf(err) != tt.want {
			t.Errorf("batch %d: got error %v, want kind %d", i, err, tt.want)
		}
	}
	if len(arrived) != 7 || arrived[0].Series.Name() != "a" || arrived[0].Origin.Token != "till" || arrived[0].At == 0 || !slices.Equal(arrived, m.arrivals) {
		t.Errorf("arrived %v, appended %v; want seven of each", arrived, m.arrivals)
	}
}

func TestForgottenSeriesMakeRoomForOthers(t *testing.T) {
	var m memory
	r := NewRecorder(RecorderConfig{Log: &m, Applier: &m, MaxSeries: 4, MaxSeriesPerToken: 2, SeriesPerToken: map[string]int{"till": 1}})
	defer r.Close()
	from := func(token string, b Batch) Batch {
		b.Origin.Token = token
		return b
	}
	record := func(want Kind, b Batch) {
		t.Helper()
		if err := r.Record(t.Context(), b); KindOf(err) != want {
			t.Errorf("got error %v, want kind %d", err, want)
		}
	}
	record(Internal, from("till", batch(t, "a")))
	record(TooMany, from("till", batch(t, "b")))
	record(Internal, from("door", batch(t, "x", "y")))
	m.forget(m.arrivals[1:2]) // of the door
	r.Forget(m.arrivals[1:2])
	record(TooMany, from("till", batch(t, "b")))
	m.forget(m.arrivals[:1])
	r.Forget(m.arrivals[:1])
	record(Internal, from("till", batch(t, "b")))
	record(TooMany, from("till", batch(t, "a")))
	record(Internal, from("door", batch(t, "x")))
	record(TooMany, from("door", batch(t, "z")))
}

func TestRecordTakesOfAPartialBatchWhatItCan(t *testing.T) {
	var m memory
	r := NewRecorder(RecorderConfig{Log: &m, Applier: &m, MaxSeries: 3})
	defer r.Close()
	partial := func(names ...string) Batch {
		b := batch(t, names...)
		b.Partial = true
		return b
	}
	old := partial("a", "old", "b")
	old.Samples[1].At -= (MaxPast + time.Minute).Milliseconds()
	for i, tt := range []struct {
		batch             Batch
		recorded, refused int
		want              Kind
	}{
		{old, 2, 1, Invalid},
		{partial("c", "d", "a", "d"), 2, 2, TooMany},
		{partial("e"), 0, 1, TooMany},
		{partial("a", "b"), 2, 0, Internal},
	} {
		before := len(slices.Concat(m.groups...))
		given := slices.Clone(tt.batch.Samples)
		err := r.Record(t.Context(), tt.batch)
		var p *PartialError
		if errors.As(err, &p) != (tt.refused > 0) || KindOf(err) != tt.want {
			t.Fatalf("batch %d: got error %v, want kind %d", i, err, tt.want)
		}
		if p != nil && (p.Recorded != tt.recorded || p.Refused != tt.refused) {
			t.Errorf("batch %d: got %+v, want %d recorded and %d refused", i, p, tt.recorded, tt.refused)
		}
		if got := len(slices.Concat(m.groups...)) - before; got != tt.recorded {
			t.Errorf("batch %d: %d samples were appended, want %d", i, got, tt.recorded)
		}
		if !slices.Equal(given, tt.batch.Samples) {
			t.Errorf("batch %d: the caller's samples have changed", i)
		}
	}
}

func TestRecordWaitsForThePlaceInTheQueueNoLongerThanItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memory{commitFor: time.Hour}
		r := NewRecorder(RecorderConfig{Log: &m, Applier: &m})
		var wg sync.WaitGroup
		for range maxQueued + 1 {
			wg.Go(func() {
				if err := r.Record(t.Context(), batch(t, "up")); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := r.Record(ctx, batch(t, "late"))
		if !errors.Is(err, context.DeadlineExceeded) || KindOf(err) != Unavailable {
			t.Errorf("got error %v, want one of kind Unavailable for the deadline", err)
		}
		wg.Wait()
		r.Close()
		if late, _ := NewSeries("late"); m.known[late] {
			t.Error("the batch that gave up was recorded")
		}
	})
}

func TestRecordTellsTheTrueOutcomeThoughItsContextEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memory{commitFor: time.Hour}
		r := NewRecorder(RecorderConfig{Log: &m, Applier: &m})
		defer r.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.Record(ctx, batch(t, "up")); err != nil {
			t.Errorf("got error %v for a batch that was committed", err)
		}
	})
}

func TestCloseStoresWhatIsQueuedAndRefusesTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memory{commitFor: time.Second}
		r := NewRecorder(RecorderConfig{Log: &m, Applier: &m})
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if err := r.Record(t.Context(), batch(t, "up")); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		r.Close()
		wg.Wait()
		if got := r.Stats().Batches; got != 5 {
			t.Errorf("got %d batches stored, want 5", got)
		}
		if err := r.Record(t.Context(), batch(t, "up")); KindOf(err) != Unavailable {
			t.Errorf("after Close: got error %v, want one of kind Unavailable", err)
		}
		r.Close()
	})
}
