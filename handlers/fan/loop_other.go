//go:build !linux

package fan

import (
	"context"
	"net"
	"net/http"
)

// loops are Linux's own: elsewhere every stream keeps its goroutine.
type loops struct{}

type (
	conn  struct{}
	group struct{}
)

func newLoops(*Fan) *loops { return &loops{} }

func (*loops) stop() {}

func (*loops) take(http.ResponseWriter, *http.Request, *stream) bool { return false }

// ConnContext is an http.Server's.
func ConnContext(ctx context.Context, _ net.Conn) context.Context { return ctx }

func confine(*http.Request) {}
