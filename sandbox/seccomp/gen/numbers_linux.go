// Package gen makes the programs of package seccomp out of its table. libseccomp
// compiles the conditions on arguments; this package puts a search for the call
// number in front of them.
//
// It runs under go generate and in tests, never in the launcher. Only the files
// with the build tag libseccomp need cgo and libseccomp-dev.
package gen

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Numbers returns the call numbers of an architecture by name. It reads the
// sources of x/sys, because its constants exist only for the architecture that
// one compiles for, and the programs of both are made on one machine.
func Numbers(arch string) (map[string]uint32, error) {
	list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sys")
	dir, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("%q: %w", list, err)
	}
	f, err := os.Open(filepath.Join(strings.TrimSpace(string(dir)), "unix", "zsysnum_linux_"+arch+".go"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	numbers := map[string]uint32{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) != 3 || !strings.HasPrefix(words[0], "SYS_") || words[1] != "=" {
			continue
		}
		// Not a call: the first number that a processor may give a meaning of its own.
		if words[0] == "SYS_ARCH_SPECIFIC_SYSCALL" {
			continue
		}
		nr, err := strconv.ParseUint(words[2], 10, 32)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", words[0], err)
		}
		numbers[strings.ToLower(strings.TrimPrefix(words[0], "SYS_"))] = uint32(nr)
	}
	return numbers, lines.Err()
}
