package seccomp

import _ "embed" // for the directives below

//go:embed programs/arm64.bpf
var program string

//go:embed programs/arm64-direct.bpf
var direct string

//go:embed programs/arm64-supervised.bpf
var supervised string
