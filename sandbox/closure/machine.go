package closure

import "fmt"

// A machine is what the dynamic loaders of one architecture know by heart.
type machine struct {
	arch       string // as Go names it
	elf        uint16
	name       string // as uname and musl name it
	interp     string // where the ABI has the ELF interpreter of the GNU C library
	platform   []string
	cacheFlags int32    // of an entry of ld.so.cache that is for this machine
	lib        []string // what $LIB can be, by distribution
	defaults   []string // where glibc looks last, of all distributions
}

// machines has a row for each architecture that sandrun runs on. The cache flags
// are those of glibc's dl-cache.h files (0x0003 is "an ELF file for libc 6", the
// rest the machine); the platform names are those that its loader gives to
// $PLATFORM, "haswell" and "xeon_phi" up to glibc 2.36.
var machines = [...]machine{
	{
		arch: "amd64", elf: 62, name: "x86_64", interp: "/lib64/ld-linux-x86-64.so.2",
		platform:   []string{"x86_64", "haswell", "xeon_phi"},
		cacheFlags: 0x0303,
		lib:        []string{"lib/x86_64-linux-gnu", "lib64", "lib"},
		defaults: []string{
			"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu",
			"/lib64", "/usr/lib64", "/lib", "/usr/lib",
		},
	},
	{
		arch: "arm64", elf: 183, name: "aarch64", interp: "/lib/ld-linux-aarch64.so.1",
		platform:   []string{"aarch64"},
		cacheFlags: 0x0a03,
		lib:        []string{"lib/aarch64-linux-gnu", "lib64", "lib"},
		defaults: []string{
			"/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
			"/lib64", "/usr/lib64", "/lib", "/usr/lib",
		},
	},
}

// native is the machine that this program was built for.
var native = &machines[nativeRow]

// machineNames are for the message about a program that was built elsewhere.
var machineNames = [...]struct {
	elf  uint16
	name string
}{
	{3, "i386"},
	{8, "MIPS"},
	{20, "PowerPC"},
	{21, "PowerPC 64"},
	{22, "S/390"},
	{40, "ARM"},
	{62, "x86-64"},
	{183, "AArch64"},
	{243, "RISC-V"},
	{258, "LoongArch"},
}

func machineName(elf uint16) string {
	for _, m := range machineNames {
		if m.elf == elf {
			return m.name
		}
	}
	return fmt.Sprintf("ELF machine %d", elf)
}
