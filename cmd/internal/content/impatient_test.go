package content

import (
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
)

func TestImpatient(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	buf := make([]byte, 8)
	if n, err := (impatient{r}).Read(buf); n != 0 || !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("an empty pipe: %d, %v", n, err)
	}
	if _, err := w.WriteString("abc"); err != nil {
		t.Fatal(err)
	}
	if n, err := (impatient{r}).Read(buf); n != 3 || err != nil {
		t.Errorf("three bytes: %d, %v", n, err)
	}
	w.Close()
	if n, err := (impatient{r}).Read(buf); n != 0 || err != io.EOF {
		t.Errorf("the end: %d, %v", n, err)
	}
}
