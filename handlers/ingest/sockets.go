package ingest

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Sockets is the part of the command line that is about protocols of lines, which have no tokens. The zero Sockets
// are none.
type Sockets struct {
	InfluxUDPListen string        `name:"influx-udp-listen" env:"LIVEBOARD_INFLUX_UDP_LISTEN" help:"UDP address that takes InfluxDB's lines, such as 127.0.0.1:8089."`
	StatsdListen    string        `env:"LIVEBOARD_STATSD_LISTEN" help:"UDP and TCP address that takes StatsD's lines, such as 127.0.0.1:8125."`
	StatsdFlush     time.Duration `default:"10s" env:"LIVEBOARD_STATSD_FLUSH" help:"How often what StatsD's lines add up to is recorded."`
	GraphiteListen  string        `env:"LIVEBOARD_GRAPHITE_LISTEN" help:"UDP and TCP address that takes Graphite's plaintext, such as 127.0.0.1:2003."`
}

// minStatsdFlush is the shortest time between two flushes.
const minStatsdFlush = 100 * time.Millisecond

// socket is one address of the command line.
type socket struct {
	flag, address string
	lines         lines
}

func (s Sockets) all() []socket {
	return []socket{
		{"--influx-udp-listen", s.InfluxUDPListen, influxLines()},
		{"--statsd-listen", s.StatsdListen, statsdLines(s.StatsdFlush)},
		{"--graphite-listen", s.GraphiteListen, graphiteLines()},
	}
}

// Check says what is wrong with the flags. It asks whether each address may be opened.
func (s Sockets) Check(may func(flag, address string) error) error {
	if s.StatsdFlush < minStatsdFlush {
		return fmt.Errorf("--statsd-flush must be at least %v", minStatsdFlush)
	}
	var errs []error
	for _, one := range s.all() {
		if one.address != "" {
			errs = append(errs, may(one.flag, one.address))
		}
	}
	return errors.Join(errs...)
}

// Listeners are open sockets.
type Listeners []*listener

// Open opens the sockets. What comes waits in them until Serve.
func (s Sockets) Open() (Listeners, error) {
	var open Listeners
	for _, one := range s.all() {
		if one.address == "" {
			continue
		}
		l, err := one.lines.open(one.flag, one.address)
		if err != nil {
			open.Close()
			return nil, err
		}
		open = append(open, l)
	}
	return open, nil
}

// Serve takes in what comes, until Close.
func (ls Listeners) Serve(i *Intake) {
	for _, l := range ls {
		l.serve(i)
		slog.Info("taking lines", "protocol", l.format, "address", l.udp.LocalAddr().String())
	}
}

// Close closes the sockets, and returns when what was read from them is recorded, or cannot be.
func (ls Listeners) Close() {
	for _, l := range ls {
		l.close()
	}
}
