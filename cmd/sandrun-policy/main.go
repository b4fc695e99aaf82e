// Command sandrun-policy judges manifests of sandrun, writes digests of files into
// them and prints their schema. It judges the document, not what one version of
// sandrun serves, and it enforces nothing. It is a program of its own because the
// schema validator costs more start-up than a whole launch of sandrun, which
// finds it beside itself for "sandrun policy".
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }
