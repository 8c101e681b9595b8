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
	Conflict                 // it contradicts what is there already
	Refused                  // well formed, but beyond what is allowed here
	TooMany                  // a rate or a count is exceeded; later may do
	Unavailable              // we cannot do it now; later may do
)

// Error is an error with a kind and a sentence for the person who caused it.
type Error struct {
	Kind  Kind
	err   error // the sentence, and what it wraps
	cause error // what the sentence keeps from strangers; nil for nothing
}

// Errorf returns an Error of that kind. The text follows fmt.Errorf, %w included.
func Errorf(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, err: fmt.Errorf(format, args...)}
}

// Because returns an Error with that sentence, whose cause is for the log and not for strangers.
func Because(cause error, kind Kind, sentence string) error {
	return &Error{kind, errors.New(sentence), cause}
}

// Error returns the sentence.
func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns the cause, or what Errorf wrapped.
func (e *Error) Unwrap() error {
	if e.cause != nil {
		return e.cause
	}
	return errors.Unwrap(e.err)
}

// KindOf returns the kind of the outermost Error in err's chain, or Internal where there is none.
func KindOf(err error) Kind {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}
