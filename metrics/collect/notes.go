package collect

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
)

// notes logs when a trouble begins and when it ends, not each second that it lasts.
type notes struct {
	log *slog.Logger

	mu      sync.Mutex
	trouble map[string]bool // by part
}

func newNotes(log *slog.Logger, collector string) *notes {
	return &notes{log: log.With("collector", collector), trouble: map[string]bool{}}
}

// note takes how a part of the collector fares; nil is well.
func (n *notes) note(part string, err error) {
	n.mu.Lock()
	was := n.trouble[part]
	n.trouble[part] = err != nil
	n.mu.Unlock()
	switch {
	case err != nil && !was:
		n.log.Warn("collector in trouble", trouble(part, err)...)
	case err == nil && was:
		n.log.Info("collector well again", "part", part)
	}
}

func trouble(part string, err error) []any {
	attrs := []any{"part", part, "error", err}
	if p := (*panicked)(nil); errors.As(err, &p) {
		attrs = append(attrs, "stack", p.stack)
	}
	return attrs
}

// panicked is the error that shield makes of a panic.
type panicked struct {
	value any
	stack string
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// shield calls f and returns its error; a panic of f becomes an error with its stack.
func shield(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicked{value, string(debug.Stack())}
		}
	}()
	return f()
}
