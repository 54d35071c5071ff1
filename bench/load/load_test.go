package load

import "testing"

const sysbenchOutput = `SQL statistics:
    queries performed:
        read:                            0
    transactions:                        1823   (182.10 per sec.)
    queries:                             10938  (1092.60 per sec.)
    ignored errors:                      3      (0.30 per sec.)
    reconnects:                          0      (0.00 per sec.)

General statistics:
    total time:                          10.0092s
    total number of events:              1823

Latency (ms):
         min:                                    1.02
         99th percentile:                      155.80
FATAL: a thread ended
`

func TestReadSysbench(t *testing.T) {
	r := readSysbench(sysbenchOutput)
	want := Result{TPS: 182.10, Txns: 1823, P99: 155.80, Retried: 3, Seconds: 10.0092, Problems: "FATAL: a thread ended\n"}
	if r != want {
		t.Errorf("got %+v, want %+v", r, want)
	}
}

const tpccOutput = `Finished
[Summary] DELIVERY - Takes(s): 9.9, Count: 26, TPM: 157.6, Sum(ms): 1502.3, Avg(ms): 57.8, 50th(ms): 54.5, 90th(ms): 79.7, 95th(ms): 83.9, 99th(ms): 88.1, 99.9th(ms): 88.1, Max(ms): 88.1
[Summary] NEW_ORDER - Takes(s): 10.0, Count: 350, TPM: 2103.9, Sum(ms): 8300.5, Avg(ms): 23.7, 50th(ms): 22.0, 90th(ms): 33.6, 95th(ms): 37.7, 99th(ms): 50.3, 99.9th(ms): 62.9, Max(ms): 62.9
[Summary] NEW_ORDER_ERR - Takes(s): 8.0, Count: 2, TPM: 15.0, Sum(ms): 40.0, Avg(ms): 20.0, 50th(ms): 20.0, 90th(ms): 21.0, 95th(ms): 21.0, 99th(ms): 21.0, 99.9th(ms): 21.0, Max(ms): 21.0
tpmC: 2103.9, tpmTotal: 4700.1, efficiency: 1636.0%
`

func TestReadTPCC(t *testing.T) {
	r := readTPCC(tpccOutput, 10)
	want := Result{TPS: 2103.9, Txns: 376, P99: 50.3, Retried: 2, Seconds: 10}
	if r != want {
		t.Errorf("got %+v, want %+v", r, want)
	}
}

// The scripts' options must name the server and never more preparing threads than tables.
func TestSysbenchPreparesWithAThreadATableAtMost(t *testing.T) {
	l := Sysbench{Workload: "oltp_read_only", Threads: 64, Tables: 2, Rows: 10}
	l.Threads = min(l.Threads, sysbenchPrepareThreads, l.Tables)
	args := l.args(Target{Port: 3307, User: "u", Password: "p", Database: "d"}, "prepare")
	for _, want := range []string{"--mysql-port=3307", "--threads=2", "--tables=2", "--table_size=10"} {
		found := false
		for _, a := range args {
			found = found || a == want
		}
		if !found {
			t.Errorf("%s is not among %q", want, args)
		}
	}
}
