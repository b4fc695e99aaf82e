package seccomp

import _ "embed" // for the directive below

//go:embed programs/amd64.bpf
var program string
