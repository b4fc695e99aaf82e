package seccomp

import _ "embed" // for the directives below

//go:embed programs/amd64.bpf
var program string

//go:embed programs/amd64-direct.bpf
var direct string

//go:embed programs/amd64-supervised.bpf
var supervised string
