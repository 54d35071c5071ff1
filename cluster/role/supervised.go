package role

import (
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
)

// The contract between a supervisor and its child: file descriptors above stderr, announced by an
// environment variable.
//
//	3  lifeline: read end of a pipe; end of file means that the supervisor is gone, and the child exits
//	4  notify: write end of a pipe; lines "ready ADDRESS" and "error TEXT"
//	5  the listening socket to serve on, if announced
const (
	envSupervised = "ZORYA_SUPERVISED" // "pipes" or "pipes,listen"
	fdLifeline    = 3
	fdNotify      = 4
	fdListen      = 5
)

// ExitFinal is the exit status of a process that a restart cannot help (EX_CONFIG): bad configuration, data of a
// newer format.
const ExitFinal = 78

// ChildEnv is the environment of a child: the supervisor's, without secrets and with the announcement.
func ChildEnv(env []string, listen bool) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(e string) bool {
		return strings.HasPrefix(e, envSupervised+"=") || strings.HasPrefix(e, PasswordEnv+"=")
	})
	announce := "pipes"
	if listen {
		announce = "pipes,listen"
	}
	return append(env, envSupervised+"="+announce)
}

// PasswordEnv may hold the password of the MySQL user admin.
const PasswordEnv = "ZORYA_ADMIN_PASSWORD"

// Report is what a child tells its supervisor.
type Report struct {
	Address string // not empty: it serves here
	Err     string
}

func (r Report) line() string {
	if r.Err != "" {
		return "error " + strings.ReplaceAll(r.Err, "\n", "; ") + "\n"
	}
	return "ready " + r.Address + "\n"
}

// ParseReport reads a line of the notify pipe.
func ParseReport(line string) (Report, bool) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "ready":
		return Report{Address: rest}, true
	case "error":
		return Report{Err: rest}, true
	}
	return Report{}, false
}

// supervision is a child's end of the contract; its zero value is that of a process of its own.
type supervision struct {
	lifeline, notify *os.File
	listener         net.Listener
}

func supervised() (*supervision, error) {
	announced := os.Getenv(envSupervised)
	os.Unsetenv(envSupervised) // not for this process's own children
	if announced == "" {
		return &supervision{}, nil
	}
	s := &supervision{lifeline: os.NewFile(fdLifeline, "lifeline"), notify: os.NewFile(fdNotify, "notify")}
	syscall.CloseOnExec(fdLifeline)
	syscall.CloseOnExec(fdNotify)
	if strings.Contains(announced, "listen") {
		f := os.NewFile(fdListen, "listen")
		l, err := net.FileListener(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("listening socket from the supervisor: %w", err)
		}
		s.listener = l
	}
	if s.lifeline != nil {
		go func() {
			_, _ = io.Copy(io.Discard, s.lifeline)
			os.Exit(1) // as abrupt as the supervisor's end; every role survives it
		}()
	}
	return s, nil
}

func (s *supervision) report(r Report) {
	if s.notify != nil {
		_, _ = s.notify.WriteString(r.line()) // a supervisor that is gone needs no report
	}
}
