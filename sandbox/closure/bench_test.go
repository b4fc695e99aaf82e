package closure

import (
	"os"
	"testing"
)

func BenchmarkFind(b *testing.B) {
	for _, command := range []string{"/bin/true", "/usr/bin/python3", "/usr/bin/perl", "/usr/bin/ruby", "/usr/bin/node", "/usr/bin/java", "/bin/bash", "/usr/bin/git"} {
		b.Run(command, func(b *testing.B) {
			for b.Loop() {
				if _, err := Find(Request{Command: []string{command}, Env: os.LookupEnv, Dir: "/"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
