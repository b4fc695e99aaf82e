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
		programs, err := gen.Compile(a)
		for end, code := range programs {
			if err == nil {
				err = os.WriteFile(filepath.Join("programs", a.Name+end+".bpf"), gen.Bytes(code), 0o644)
			}
			fmt.Printf("%s%s: %d instructions\n", a.Name, end, len(code))
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "write: %s: %v\n", a.Name, err)
			os.Exit(1)
		}
	}
}
