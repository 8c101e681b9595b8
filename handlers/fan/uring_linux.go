package fan

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ring is a sender over io_uring: one system call for a whole batch. Containers often forbid it.
// https://man7.org/linux/man-pages/man7/io_uring.7.html
type ring struct {
	fd     int
	queues []byte // both rings, shared with the kernel
	slots  []byte // of submissions, likewise

	submissions []submission
	tail        *uint32 // of the submission queue; the kernel reads up to it
	head, end   *uint32 // of the completion queue; the kernel writes end
	completions []completion
}

// submission is a struct io_uring_sqe.
type submission struct {
	opcode, flags uint8
	ioprio        uint16
	fd            int32
	offset        uint64
	address       uint64
	length        uint32
	opFlags       uint32
	data          uint64
	_             [24]byte
}

// completion is a struct io_uring_cqe.
type completion struct {
	data   uint64
	result int32
	flags  uint32
}

// ringParams is a struct io_uring_params.
type ringParams struct {
	submissions, completions uint32
	flags                    uint32
	_                        [2]uint32
	features                 uint32
	_                        [4]uint32
	sq                       struct {
		head, tail, mask, entries, flags, dropped, array, _ uint32
		_                                                   uint64
	}
	cq struct {
		head, tail, mask, entries, overflow, completions, flags, _ uint32
		_                                                          uint64
	}
}

// Numbers of linux/io_uring.h.
const (
	opSend         = 26
	enterGetEvents = 1 << 0
	setupOneIssuer = 1 << 12
	setupDeferWork = 1 << 13
	featureOneMap  = 1 << 0
	offsetQueues   = 0
	offsetSlots    = 0x10000000
)

// newRing makes a ring that belongs to the calling thread. It is an error where the kernel has none, or none like it.
func newRing() (*ring, error) {
	params := ringParams{flags: setupOneIssuer | setupDeferWork} // Linux 6.1
	fd, _, errno := syscall.Syscall(unix.SYS_IO_URING_SETUP, batchSize, uintptr(unsafe.Pointer(&params)), 0)
	if errno != 0 {
		return nil, fmt.Errorf("io_uring_setup: %w", errno)
	}
	r := &ring{fd: int(fd)}
	if params.features&featureOneMap == 0 {
		r.close()
		return nil, fmt.Errorf("io_uring: %w", unix.ENOSYS)
	}
	if err := r.mapQueues(&params); err != nil {
		r.close()
		return nil, err
	}
	if _, _, errno := syscall.Syscall6(unix.SYS_IO_URING_ENTER, fd, 0, 0, 0, 0, 0); errno != 0 { // as filters of containers forbid
		r.close()
		return nil, fmt.Errorf("io_uring_enter: %w", errno)
	}
	return r, nil
}

func (r *ring) mapQueues(p *ringParams) (err error) {
	size := max(int(p.sq.array+p.submissions*4), int(p.cq.completions)+int(p.completions)*int(unsafe.Sizeof(completion{})))
	if r.queues, err = unix.Mmap(r.fd, offsetQueues, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE); err != nil {
		return fmt.Errorf("map the rings: %w", err)
	}
	size = int(p.submissions) * int(unsafe.Sizeof(submission{}))
	if r.slots, err = unix.Mmap(r.fd, offsetSlots, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE); err != nil {
		return fmt.Errorf("map the submissions: %w", err)
	}
	word := func(offset uint32) *uint32 { return (*uint32)(unsafe.Pointer(&r.queues[offset])) }
	r.tail, r.head, r.end = word(p.sq.tail), word(p.cq.head), word(p.cq.tail)
	r.submissions = unsafe.Slice((*submission)(unsafe.Pointer(&r.slots[0])), p.submissions)
	r.completions = unsafe.Slice((*completion)(unsafe.Pointer(&r.queues[p.cq.completions])), p.completions)
	for i, order := 0, unsafe.Slice(word(p.sq.array), p.submissions); i < len(order); i++ {
		order[i] = uint32(i) // slots are used in their order
	}
	return nil
}

func (r *ring) send(ops []op) {
	tail := atomic.LoadUint32(r.tail)
	for i := range ops {
		r.submissions[(tail+uint32(i))%uint32(len(r.submissions))] = submission{
			opcode:  opSend,
			fd:      int32(ops[i].fd),
			address: uint64(uintptr(unsafe.Pointer(unsafe.SliceData(ops[i].bytes)))),
			length:  uint32(len(ops[i].bytes)),
			opFlags: unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL,
			data:    uint64(i),
		}
	}
	atomic.StoreUint32(r.tail, tail+uint32(len(ops)))
	r.enter(len(ops), ops)
	runtime.KeepAlive(ops) // the kernel reads the bytes
}

// enter gives the kernel so many submissions, and waits for as many completions.
func (r *ring) enter(n int, ops []op) {
	for submit, done := n, 0; done < n; {
		took, _, errno := syscall.RawSyscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), uintptr(submit), uintptr(n-done), enterGetEvents, 0, 0)
		switch errno {
		case 0:
			submit -= int(took)
		case unix.EINTR, unix.EAGAIN, unix.EBUSY:
		default:
			panic("fan: io_uring_enter: " + errno.Error()) // only a wrong call is refused
		}
		done += r.reap(ops)
	}
}

// reap takes the completions that are there.
func (r *ring) reap(ops []op) (n int) {
	head, end := atomic.LoadUint32(r.head), atomic.LoadUint32(r.end)
	for ; head != end; head++ {
		c := r.completions[head%uint32(len(r.completions))]
		if o := &ops[c.data]; c.result >= 0 {
			o.n = int(c.result)
		} else {
			o.err = syscall.Errno(-c.result)
		}
		n++
	}
	atomic.StoreUint32(r.head, head)
	return n
}

func (r *ring) close() {
	if r.slots != nil {
		_ = unix.Munmap(r.slots)
	}
	if r.queues != nil {
		_ = unix.Munmap(r.queues)
	}
	_ = unix.Close(r.fd)
}
