package load

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// TPCC is a run of go-tpc's TPC-C.
type TPCC struct {
	Binary     string // go-tpc
	Warehouses int
	Threads    int
	Seconds    int
}

func (l TPCC) command(ctx context.Context, to Target, args ...string) (string, error) {
	return command(ctx, to, l.Binary, append([]string{
		"tpcc", "-H", "127.0.0.1", "-P", strconv.Itoa(to.Port), "-U", to.User, "-p", to.Password, "-D", to.Database,
		"--warehouses", strconv.Itoa(l.Warehouses), "-T", strconv.Itoa(l.Threads),
		// Its default is TLS where the server has it. MariaDB as Debian has it does not, and the other clients do not ask for it.
		"--conn-params", "tls=false",
	}, args...)...)
}

// Prepare creates and fills the tables in an existing, empty database.
func (l TPCC) Prepare(ctx context.Context, to Target) error {
	l.Threads = min(l.Threads, 4, l.Warehouses)
	_, err := l.command(ctx, to, "prepare", "--no-check")
	return err
}

// Check runs TPC-C's consistency conditions (clause 3.3.2).
func (l TPCC) Check(ctx context.Context, to Target) error {
	l.Threads = 1
	_, err := l.command(ctx, to, "check")
	return err
}

var (
	reTpmC = regexp.MustCompile(`tpmC: ([\d.]+)`)
	reKind = regexp.MustCompile(`\[Summary\] (\w+) - .*?Count: (\d+)`)
	reNew  = regexp.MustCompile(`\[Summary\] NEW_ORDER - .*99th\(ms\): ([\d.]+)`)
)

// Run runs the mix. TPS is tpmC; P99 is of new-order transactions; Txns counts all five kinds.
func (l TPCC) Run(ctx context.Context, to Target) (Result, error) {
	out, err := l.command(ctx, to, "run", "--time", fmt.Sprintf("%ds", l.Seconds), "--ignore-error", "--wait=false")
	if err != nil {
		return Result{}, err
	}
	return readTPCC(out, l.Seconds), nil
}

func readTPCC(out string, seconds int) Result {
	r := Result{TPS: number(reTpmC, out, 1), P99: number(reNew, out, 1), Seconds: float64(seconds)}
	for _, m := range reKind.FindAllStringSubmatch(out, -1) {
		n, _ := strconv.Atoi(m[2])
		if strings.HasSuffix(m[1], "_ERR") {
			r.Retried += n
		} else {
			r.Txns += n
		}
	}
	return r
}
