package closure

import "testing"

func TestShim(t *testing.T) {
	dir := tempDir(t)
	pyenv := "#!/bin/sh\nexec \"" + dir + "/libexec/pyenv\" exec \"$program\" \"$@\"\n"
	write(t, dir+"/shims/python3", pyenv)
	write(t, dir+"/shims/other", pyenv)
	write(t, dir+"/shims/node", "#!/bin/sh\n# asdf-plugin: nodejs 18.1.0\nexec asdf exec node \"$@\"\n")
	write(t, dir+"/elsewhere/python3", pyenv)
	write(t, dir+"/shims/plain", "#!/bin/sh\necho hi\n")
	for _, program := range []string{"versions/3.1/bin/python3", "versions/3.2/bin/python3", "versions/3.3/bin/python3", "installs/nodejs/18.1.0/bin/node"} {
		write(t, dir+"/"+program, "#!/bin/sh\n")
	}
	write(t, dir+"/version", "3.1\n")
	write(t, dir+"/project/.python-version", "3.2\n3.1\n")
	write(t, dir+"/project/sub/file", "")
	for _, test := range []struct {
		command, in, env, want string
	}{
		{"shims/python3", "", "", "/versions/3.1/bin/python3"},
		{"shims/python3", "/project/sub", "", "/versions/3.2/bin/python3"},
		{"shims/python3", "/project", "PYENV_VERSION=3.3", "/versions/3.3/bin/python3"},
		{"shims/python3", "", "PYENV_VERSION=../..", ""},
		{"shims/python3", "", "PYENV_VERSION=system", ""},
		{"shims/other", "", "", ""},
		{"shims/node", "", "", "/installs/nodejs/18.1.0/bin/node"},
		{"elsewhere/python3", "", "", ""},
		{"shims/plain", "", "", ""},
		{"/bin/sh", "", "", ""},
	} {
		command := test.command
		if command[0] != '/' {
			command = dir + "/" + command
		}
		c, err := Find(Request{Command: []string{command}, Env: environ(test.env), Dir: dir + test.in})
		want := test.want
		if want != "" {
			want = dir + want
		}
		if err != nil || c.Shim != want {
			t.Errorf("%s in %q with %q: %q, %v", test.command, test.in, test.env, c.Shim, err)
		}
	}
}
