// Gopher opens files from many goroutines. Its runtime interrupts its own threads
// with SIGURG all the while, which must not keep a trapped call from ending.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
)

func main() {
	// Of the directory that is there a kernel rule may be; what is done in this one the
	// supervisor does.
	dir := os.Args[1] + "-new"
	if err := os.Mkdir(dir, 0o700); err != nil {
		panic(err)
	}
	n, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	var wg sync.WaitGroup
	for g := range 50 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range n / 50 {
				name := fmt.Sprintf("%s/go-%d-%d", dir, g, i)
				if err := os.WriteFile(name, []byte(name), 0o600); err != nil {
					panic(err)
				}
				back, err := os.ReadFile(name)
				if err != nil || string(back) != name {
					panic(fmt.Sprint(name, " ", string(back), err))
				}
				if err := os.Remove(name); err != nil {
					panic(err)
				}
			}
		}()
	}
	busy := make(chan bool)
	go func() { // what SIGURG is sent for: a loop that calls nothing
		for i := 0; ; i++ {
			select {
			case <-busy:
				return
			default:
			}
		}
	}()
	wg.Wait()
	close(busy)
	fmt.Println("ok")
}
