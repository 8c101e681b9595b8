package handlers

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"liveboard/handlers/doctor"
	"liveboard/metrics"
	"liveboard/views/press"
)

// How many probes may be open. Behind a proxy many people have one address.
const (
	maxProbes           = 256
	maxProbesPerAddress = 64
)

// probePauses are the pauses before each event of the doctor's streams.
var probePauses = map[string][]time.Duration{
	doctor.SteadyProbe: pauses(0, doctor.ProbeFor),
	doctor.LateProbe:   pauses(doctor.LateBy, doctor.ProbeFor-doctor.LateBy),
	doctor.SilentProbe: {0, doctor.SilentFor, doctor.ProbeEvery},
}

// pauses are those of a stream that begins late, and then lasts.
func pauses(late, lasts time.Duration) []time.Duration {
	list := []time.Duration{late}
	for range lasts / doctor.ProbeEvery {
		list = append(list, doctor.ProbeEvery)
	}
	return list
}

// doctorStream answers GET /doctor/stream/{probe}: an event stream like any other, of events that tell when they were
// sent. With the parameter plain it is not compressed. A browser cannot ask for that by a header.
func (s *Server) doctorStream(w http.ResponseWriter, r *http.Request) {
	name := pathParam(r, "probe")
	pauses, ok := probePauses[name]
	if !ok {
		fail(w, r, metrics.Errorf(metrics.NotFound, "There is no probe named %q.", name))
		return
	}
	release, err := s.enterProbe(addressOf(r))
	if err != nil {
		fail(w, r, err)
		return
	}
	defer release()
	if r.URL.Query().Has("plain") {
		r.Header.Del("Accept-Encoding")
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	encoding := encodingOf(r)
	eventHeaders(w.Header(), encoding)
	_ = sendProbe(ctx, w, encoding, pauses) // the client sees where it broke off
}

// enterProbe takes a place for a probe, as streams.enter does for a stream.
func (s *Server) enterProbe(addr netip.Addr) (release func(), err error) {
	if release, err = s.probes.take(place{address: neighbourhood(addr)}); err != nil {
		return nil, metrics.Errorf(metrics.TooMany, "Too many probes are open. Wait until they are done, half a minute at most.")
	}
	return release, nil
}

// sendProbe sends an event after each pause, and the header before them all.
func sendProbe(ctx context.Context, w http.ResponseWriter, encoding press.Encoding, pauses []time.Duration) error {
	if err := writeNow(w, encoding.Head()); err != nil {
		return err
	}
	for n, pause := range pauses {
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		event := press.Probe(n, encoding == press.Gzip)
		if err := writeNow(w, event.Encoded(encoding, false)); err != nil {
			return err
		}
	}
	return nil
}
