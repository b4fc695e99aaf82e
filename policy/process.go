package policy

import (
	"slices"
	"strconv"
	"strings"
)

// A Process is the identity that a manifest asks for.
type Process struct {
	User, Group  string // a name or a number; "" keeps the caller's
	Umask        string // octal; "" keeps the caller's
	Chdir        string // absolute and clean; "" keeps the caller's
	Capabilities []string
	Source       Source
}

// IsZero tells whether nothing is asked for.
func (p *Process) IsZero() bool {
	return p == nil || p.User == "" && p.Group == "" && p.Umask == "" && p.Chdir == "" && len(p.Capabilities) == 0
}

// process reads the identity that a program gets.
func (d *decoder) process(n node, at string) {
	p := &Process{Source: d.source(n)}
	d.object(n, at, map[string]field{
		"user":         d.checked(&p.User, isIdentity, "it must be a name or a number"),
		"group":        d.checked(&p.Group, isIdentity, "it must be a name or a number"),
		"umask":        d.checked(&p.Umask, isUmask, `it must be octal digits, as in "0022"`),
		"capabilities": func(n node, at string) { d.capabilities(p, n, at) },
		"chdir": func(n node, at string) {
			d.checked(&p.Chdir, func(s string) bool { return s != "" }, "it must not be empty")(n, at)
			if p.Chdir != "" {
				stands := Pattern{Kind: Path, Path: absolute(p.Chdir, d.dir)}
				d.warn(n, literal(p.Chdir, stands))
				p.Chdir = stands.Path
			}
		},
	})
	d.policy.Process = p
}

// checked reads a string that must pass a test.
func (d *decoder) checked(into *string, ok func(string) bool, text string) field {
	return func(n node, at string) {
		value, isText := d.text(n, at)
		switch {
		case !isText:
		case !ok(value):
			d.fail(n.at, at, "%q: %s", value, text)
		default:
			*into = value
		}
	}
}

// isIdentity judges the name of a user or a group, or its number; the largest
// number means "unchanged" to the kernel.
func isIdentity(s string) bool {
	if s == "" {
		return false
	}
	if strings.Trim(s, "0123456789") == "" {
		n, err := strconv.ParseUint(s, 10, 32)
		return err == nil && n < 1<<32-1 && (s == "0" || s[0] != '0')
	}
	s = strings.TrimSuffix(s, "$") // machine accounts of Samba
	for i := range len(s) {
		if !isWordByte(s[i]) && (i == 0 || strings.IndexByte(".-@", s[i]) < 0) {
			return false
		}
	}
	return s != "" && (s[0] < '0' || s[0] > '9')
}

func isUmask(s string) bool {
	n, err := strconv.ParseUint(s, 8, 16)
	return err == nil && n <= 0o777 && len(s) <= 4 && s[0] != '+'
}

// capabilities reads the names of Linux capabilities that are kept.
func (d *decoder) capabilities(p *Process, n node, at string) {
	if !d.expect(n, at, kindArray) {
		return
	}
	for i, item := range n.items {
		pointer := at + "/" + strconv.Itoa(i)
		name, ok := d.text(item, pointer)
		switch {
		case !ok:
		case slices.Contains(linuxCapabilities[:], name):
			p.Capabilities = append(p.Capabilities, name)
		default:
			text := "it is no capability of Linux"
			near := nearest(name, linuxCapabilities[:])
			if near == "" {
				near = nearest("CAP_"+name, linuxCapabilities[:])
			}
			if near != "" {
				text += ": did you mean \"" + near + "\"?"
			}
			d.fail(item.at, pointer, "%q: %s", name, text)
		}
	}
}

// linuxCapabilities are those of Linux 6.18, by number (linux/capability.h).
var linuxCapabilities = [...]string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
	"CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW",
	"CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
	"CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD",
	"CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG",
	"CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
}
