package ingest

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"liveboard/metrics"
	"liveboard/metrics/head"
)

// readAll sends a text in pieces over a connection, and returns the lines that were read, how many were too long, and
// how many bytes of an unfinished line were left.
func readAll(t *testing.T, text string, piece func() int) (lines string, tooLong, rest int) {
	t.Helper()
	near, far := net.Pipe()
	defer far.Close()
	go func() {
		defer near.Close()
		for len(text) > 0 {
			n := min(piece(), len(text))
			if _, err := near.Write([]byte(text[:n])); err != nil {
				return
			}
			text = text[n:]
		}
	}()
	r := lineReader{conn: far}
	for {
		got, long, err := r.next()
		if len(got) > 0 && got[len(got)-1] != '\n' {
			t.Fatalf("got %q, want whole lines", got)
		}
		lines += string(got)
		if long {
			tooLong++
		}
		if err != nil {
			return lines, tooLong, r.rest
		}
	}
}

func TestLinesAreReadWholeHoweverTheyCome(t *testing.T) {
	long := strings.Repeat("x", 3*maxLineBytes) + "\n"
	for range 30 {
		var text, want strings.Builder
		longs := 0
		for range rand.IntN(10) {
			line := strings.Repeat("y", rand.IntN(maxLineBytes)) + "\n"
			if rand.IntN(5) == 0 {
				line, longs = long, longs+1
			} else {
				want.WriteString(line)
			}
			text.WriteString(line)
		}
		most := []int{50, 1000, 100_000}[rand.IntN(3)]
		rest := rand.IntN(maxLineBytes)
		got, tooLong, left := readAll(t, text.String()+strings.Repeat("z", rest), func() int { return 1 + rand.IntN(most) })
		if got != want.String() || tooLong != longs || left != rest {
			t.Fatalf("in pieces of up to %d: got %d bytes of lines, %d too long, %d left, want %d, %d, %d", most, len(got), tooLong, left, want.Len(), longs, rest)
		}
	}
}

func TestALineThatIsTooLongEndsWithItsConnection(t *testing.T) {
	lines, tooLong, rest := readAll(t, "a 1\n"+strings.Repeat("x", 2*maxLineBytes+10), func() int { return maxLineBytes - 1 })
	if lines != "a 1\n" || tooLong != 1 || rest != 0 {
		t.Errorf("got %q, %d lines too long, %d bytes left, want the first line, one that is too long, and no rest", lines, tooLong, rest)
	}
}

func TestGatheredSamplesAreRecordedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type recorded struct {
			from netip.Addr
			n    int
		}
		batches := make(chan recorded, 10)
		g := newGatherer(func(from netip.Addr, samples []metrics.Sample) { batches <- recorded{from, len(samples)} })
		g.start()
		for range 5 {
			g.put(web1, make([]metrics.Sample, 3), false)
		}
		if got := <-batches; got != (recorded{web1, 15}) {
			t.Errorf("got %v, want all that came", got)
		}
		began := time.Now()
		g.put(web1, make([]metrics.Sample, maxGathered/2+1), false)
		if <-batches; time.Since(began) >= gatherFor {
			t.Errorf("many samples waited %v for more", time.Since(began))
		}
		other := netip.MustParseAddr("192.0.2.2")
		g.put(web1, make([]metrics.Sample, 1), false)
		g.put(other, make([]metrics.Sample, 2), false)
		g.close()
		if first, second := <-batches, <-batches; first.n+second.n != 3 || first.from == second.from {
			t.Errorf("got %v and %v, want a batch of each sender, recorded at the end", first, second)
		}
	})
}

func TestGatheringHoldsBackWhatCannotBeRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		g := newGatherer(func(netip.Addr, []metrics.Sample) { <-stuck })
		g.start()
		half := make([]metrics.Sample, maxGathered/2)
		g.put(web1, half, false)
		time.Sleep(2 * gatherFor) // in a bubble: the first half is being recorded
		for range 2 {
			if !g.put(web1, half, false) {
				t.Error("there was no room, want some")
			}
		}
		if g.put(web1, half[:1], false) {
			t.Error("there was room, want none")
		}
		waited := make(chan bool)
		go func() { waited <- g.put(web1, half[:1], true) }()
		synctest.Wait()
		select {
		case <-waited:
			t.Error("who can wait did not")
		default:
		}
		close(stuck)
		if !<-waited {
			t.Error("who waited got no room")
		}
		g.close()
	})
}

func TestLossesAreLoggedOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l losses
		if got := l.note(2); got != 2 {
			t.Errorf("the first loss: got %d, want 2 to be logged", got)
		}
		for range 3 {
			if got := l.note(1); got != 0 {
				t.Errorf("soon after: got %d, want nothing to be logged", got)
			}
		}
		time.Sleep(logLossesEvery) // in a bubble
		if got := l.note(1); got != 4 {
			t.Errorf("a while later: got %d, want 4 to be logged", got)
		}
	})
}

// ailing is a Log that cannot take anything for a while, and an Applier.
type ailing struct {
	*head.Head
	until time.Time
	seq   uint64
}

func (a *ailing) Append(context.Context, []metrics.Sample, []metrics.Arrival) (uint64, error) {
	if time.Now().Before(a.until) {
		return 0, errors.New("disk full")
	}
	a.seq++
	return a.seq, nil
}

func TestWhatTheStoreCannotTakeIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &ailing{Head: head.New(nil), until: time.Now().Add(5 * time.Second)}
		recorder := metrics.NewRecorder(metrics.RecorderConfig{Log: log, Applier: log})
		defer recorder.Close()
		l := &listener{lines: graphiteLines(), intake: New(Config{Recorder: recorder}), closing: make(chan struct{})}
		series, err := metrics.NewSeries("load")
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		l.record(web1, []metrics.Sample{{Series: series, At: began.UnixMilli(), Value: 1}})
		if log.Len() != 1 || time.Since(began) > 6*time.Second {
			t.Errorf("%d series are stored after %v, want one soon after the store is well", log.Len(), time.Since(began))
		}
		log.until = time.Now().Add(time.Hour)
		close(l.closing)
		began = time.Now()
		l.record(web1, []metrics.Sample{{Series: series, At: began.UnixMilli(), Value: 1}})
		if lost := dropped(t, l.intake); lost != 1 || time.Since(began) > time.Second {
			t.Errorf("at a stop %v samples are counted as lost, after %v, want 1 and no wait", lost, time.Since(began))
		}
	})
}

// dropped returns what the intake counts as dropped.
func dropped(t *testing.T, i *Intake) (n float64) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(i)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "liveboard_ingest_dropped_total" {
			n += family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return n
}
