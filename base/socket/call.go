package socket

import "syscall"

// maxVec bounds the buffers of one write: their list lies on the stack.
const maxVec = 16

func callRead(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), p)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}

func callWrite(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), p[:min(len(p), 1<<30)])
		if err != syscall.EINTR {
			return n, err
		}
	}
}
