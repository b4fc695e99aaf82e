package seccomp

import _ "embed" // for the directive below

//go:embed programs/arm64.bpf
var program string
