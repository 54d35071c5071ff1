//go:build e2e

package e2e

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"regexp"
)

// mysqltestAsks are the words of MariaDB's files that MySQL 8.0 no longer has and says otherwise. Nothing else of what the files send is changed, and
// nothing of what comes back.
var mysqltestAsks = []struct {
	says *regexp.Regexp
	now  string
}{
	// storage_engine became default_storage_engine (removed in 5.7.5).
	{regexp.MustCompile(`(?i)(\bvariable_name\s*=\s*['"])storage_engine(['"])`), "${1}default_storage_engine${2}"},
	{regexp.MustCompile(`(?i)^(\s*set\s+(?:(?:global|session|local)\s+|@@(?:(?:global|session|local)\.)?)?)storage_engine\b`), "${1}default_storage_engine"},
}

const (
	comQuery       = 0x03
	comStmtPrepare = 0x16
	longestPacket  = 1<<24 - 1
	clientSSL      = 1 << 11
)

// mysqltestProxy serves a socket at path whose clients speak with the server at socket, in MySQL 8.0's words. It ends with its listener.
func mysqltestProxy(path, socket string) (net.Listener, error) {
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return // closed
			}
			go func() {
				defer client.Close()
				server, err := net.Dial("unix", socket)
				if err != nil {
					return // the client sees its connection end
				}
				go func() {
					io.Copy(client, server) // one side's end ends the other
					client.Close()
				}()
				mysqltestForward(server, client)
				server.Close()
			}()
		}
	}()
	return l, nil
}

// mysqltestForward passes the client's packets on until it ends.
func mysqltestForward(server io.Writer, client io.Reader) {
	in := bufio.NewReader(client)
	for first := true; ; first = false {
		var head [4]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return
		}
		body := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		if head[3] == 0 && len(body) > 1 && len(body) < longestPacket && (body[0] == comQuery || body[0] == comStmtPrepare) {
			for _, ask := range mysqltestAsks {
				body = append(body[:1:1], ask.says.ReplaceAll(body[1:], []byte(ask.now))...)
			}
			head[0], head[1], head[2] = byte(len(body)), byte(len(body)>>8), byte(len(body)>>16)
		}
		if _, err := server.Write(append(head[:], body...)); err != nil {
			return
		}
		if first && len(body) == 32 && binary.LittleEndian.Uint32(body)&clientSSL != 0 { // what follows is encrypted
			io.Copy(server, in)
			return
		}
	}
}
