//go:build linux

package sandbox

import (
	"runtime"
	"testing"
	"time"
)

// TestHandling: a thread that carries a signal out is seen as long as it does.
func TestHandling(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	quiet := func() bool { // threads begin with every signal blocked
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if !handling() {
				return true
			}
		}
		return false
	}
	if !quiet() {
		t.Fatal("some thread has other signals blocked before any should")
	}
	begun, end, ended := make(chan bool), make(chan bool), make(chan bool)
	go func() {
		defer close(ended)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer setSignals(blockSignals())
		close(begun)
		<-end
	}()
	<-begun
	for range 100 {
		if !handling() {
			t.Fatal("a thread with every signal blocked is not seen")
		}
	}
	close(end)
	<-ended
	if !quiet() {
		t.Error("some thread has other signals blocked after all is over")
	}
}
