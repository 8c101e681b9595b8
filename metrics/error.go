package metrics

import (
	"errors"
	"fmt"
)

// Kind says what sort of error an Error is. Surfaces map it to their own codes in one table.
type Kind int

// The kinds of errors.
const (
	Internal     Kind = iota // a fault of ours; its text is for the log, not for people
	Invalid                  // the caller's input is wrong and stays wrong
	NotFound                 // no such thing
	BadMethod                // the thing is there, but this cannot be done with it
	TooLarge                 // more than a limit allows
	Unsupported              // a media type or encoding that is not understood
	Unauthorized             // the caller must say who it is
	Forbidden                // the caller may not
	TooMany                  // a rate or a count is exceeded; later may do
	Unavailable              // we cannot do it now; later may do
)

// Error is an error with a kind and a sentence for the person who caused it.
type Error struct {
	Kind Kind
	err  error
}

// Errorf returns an Error of that kind. The text follows fmt.Errorf, %w included.
func Errorf(kind Kind, format string, args ...any) error {
	return &Error{kind, fmt.Errorf(format, args...)}
}

// Error returns the sentence.
func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns what Errorf wrapped.
func (e *Error) Unwrap() error { return errors.Unwrap(e.err) }

// KindOf returns the kind of the outermost Error in err's chain, or Internal where there is none.
func KindOf(err error) Kind {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}
