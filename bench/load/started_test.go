package load

import "testing"

// What sysbench prints may come in pieces; its clients start once.
func TestStartedIsToldOnce(t *testing.T) {
	n := 0
	w := output{started: func() { n++ }}
	for _, p := range []string{"Initializing worker threads...\n\nThreads sta", "rted!\n", "Threads started!\n"} {
		if _, err := w.Write([]byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	if n != 1 || w.b.Len() == 0 {
		t.Errorf("told %d times", n)
	}
}
