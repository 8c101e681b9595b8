//go:build unix

package handlers

import "golang.org/x/sys/unix"

// openFiles returns how many files this process may have open, and false where that cannot be told.
func openFiles() (int, bool) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, false
	}
	return int(min(limit.Cur, 1<<30)), true
}
