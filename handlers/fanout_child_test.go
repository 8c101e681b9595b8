//go:build linux

package handlers

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// fanOrder is what BenchmarkFanout tells one of its processes: a line of JSON. Fields that an order does
// not need are zero.
type fanOrder struct {
	Do      string
	Path    string        // of the database
	Gap     time.Duration // of the hub
	NoRing  bool          // write without io_uring
	Address string        // to connect to
	Clients int           // connected in all
	Gzip    bool
	Stamp   int64 // that every client has to see
	First   int   // bytes that the floor sends to who comes
	Bytes   int   // bytes of the floor's ticks
}

// fanReport is a process's answer to an order: a line of JSON.
type fanReport struct {
	Error      string
	Address    string
	CPU        float64 // seconds that the process has used so far
	KiB        float64 // resident, after a collection; told to peak, the most since it was told so last
	Prints     int     // of panels
	Seconds    float64 // that the order took
	Deliveries int     // from here on: since the last count
	Repeated   int     // of a tick that the client had seen, or of an older one
	Bytes      int
	P50, P99   float64 // milliseconds from publishing to receipt
}

// fanCommands carry out orders.
type fanCommands map[string]func(fanOrder) (fanReport, error)

// obey carries out the orders of stdin until it ends.
func (c fanCommands) obey() error {
	orders, reports := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var o fanOrder
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		start := time.Now()
		r, err := c[o.Do](o)
		if r.Seconds = time.Since(start).Seconds(); err != nil {
			r.Error = err.Error()
		}
		if err := reports.Encode(r); err != nil {
			return err
		}
	}
}

// fanChild is a process of BenchmarkFanout, seen from outside.
type fanChild struct {
	b       *testing.B
	name    string
	cmd     *exec.Cmd
	orders  *json.Encoder
	reports *json.Decoder
}

// startFanChild starts the process of that name in children; the benchmark's end ends it.
func startFanChild(b *testing.B, name string) *fanChild {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(cmd.Environ(), childEnv+"="+name)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // even while it is stopped
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	c := &fanChild{b, name, cmd, json.NewEncoder(in), json.NewDecoder(bufio.NewReader(out))}
	b.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			b.Errorf("the %s: %v", name, err)
		}
	})
	return c
}

// ask gives an order and returns the answer to it.
func (c *fanChild) ask(o fanOrder) fanReport {
	c.b.Helper()
	var r fanReport
	err := c.orders.Encode(o)
	if err == nil {
		err = c.reports.Decode(&r)
	}
	if err == nil && r.Error != "" {
		err = errors.New(r.Error)
	}
	if err != nil {
		c.b.Fatalf("the %s, told to %s: %v", c.name, o.Do, err)
	}
	return r
}

// signal stops the process, or lets it go on.
func (c *fanChild) signal(s syscall.Signal) {
	c.b.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		c.b.Fatalf("the %s: %v", c.name, err)
	}
}

// loud is a benchmark that nobody listens to: it says on stderr why it failed.
type loud struct{ testing.TB }

func (l loud) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, args...)
	l.FailNow()
}
