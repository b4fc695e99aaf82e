//go:build cgo && libseccomp

// The command write makes the files in ../../programs. go generate runs it in
// the folder of package seccomp.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"sandrun/sandbox/seccomp/gen"
)

func main() {
	for _, a := range gen.Archs {
		code, err := gen.Compile(a)
		if err == nil {
			err = os.WriteFile(filepath.Join("programs", a.Name+".bpf"), gen.Bytes(code), 0o644)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "write: %s: %v\n", a.Name, err)
			os.Exit(1)
		}
		fmt.Printf("%s: %d instructions\n", a.Name, len(code))
	}
}
