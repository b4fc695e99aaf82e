package closure

import (
	"bytes"
	"strings"
)

// scriptHead is how much of a file the kernel looks at for a #! line
// (BINPRM_BUF_SIZE; the last byte of it is not used).
const scriptHead = 256

// maxScripts is how many interpreters that are scripts themselves the kernel
// follows (exec_binprm in fs/exec.c: five rewrites).
const maxScripts = 5

// ParseScript reads the #! line at the beginning of a script as the kernel does:
// the interpreter, and all that follows it as one argument. What does not fit into
// the buffer is cut off.
func ParseScript(head []byte) (interp, arg string, err error) {
	const errFormat = formatError("its #! line names no interpreter")
	head = head[:min(len(head), scriptHead)]
	line, _, whole := bytes.Cut(head[2:], []byte("\n"))
	line, _, ended := bytes.Cut(line, []byte{0})
	text := strings.TrimLeft(string(line), " \t")
	if !whole && !ended && len(head) == scriptHead {
		text = text[:max(0, len(text)-1)]
		if !strings.ContainsAny(text, " \t") {
			return "", "", formatError("its #! line is longer than the 255 bytes that the kernel reads")
		}
	}
	text = strings.TrimRight(text, " \t")
	if text == "" {
		return "", "", errFormat
	}
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		return text[:i], strings.TrimLeft(text[i:], " \t"), nil
	}
	return text, "", nil
}
