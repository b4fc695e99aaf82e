//go:build linux

package sandbox

import (
	"slices"
	"strings"

	"sandrun/policy"
)

// keptVariables are passed without a grant: what programs need to find their
// way, and nothing that carries a secret or loads code. A name that ends in *
// is a prefix.
var keptVariables = [...]string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "COLORTERM", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR",
	"PWD", "OLDPWD", "SHLVL", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CI", "SOURCE_DATE_EPOCH",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS",
}

// loaderVariables make the C library or its loader load code, or open files that
// it trusts. They need the addon grant beside their own.
var loaderVariables = [...]string{
	"LD_*", "GLIBC_TUNABLES", "GCONV_PATH", "LOCPATH", "NLSPATH", "RESOLV_HOST_CONF", "HOSTALIASES", "MALLOC_*", "GETCONF_DIR",
}

// matchesName is asked of every variable and pattern, at every start: most differ in the
// first letter.
func matchesName(pattern, name string) bool {
	if name == "" || name[0] != pattern[0] {
		return false
	}
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == name
}

func inNames(patterns []string, name string) bool {
	for _, p := range patterns {
		if matchesName(p, name) {
			return true
		}
	}
	return false
}

// isLoaderVariable tells whether a variable loads code.
func isLoaderVariable(name string) bool { return inNames(loaderVariables[:], name) }

// A decision about one variable.
type envVerdict uint8

const (
	envRemoved envVerdict = iota
	envKept
	envNeedsAddon // named by a grant, but it loads code and addon is not granted
)

// judgeVariables returns what a policy says of a variable.
func judgeVariables(p policy.Policy) func(name string) envVerdict {
	grants := p.Of(policy.Env)
	_, addon := p.All(policy.Addon)
	return func(name string) envVerdict {
		granted := slices.ContainsFunc(grants, func(g policy.Grant) bool {
			return g.All || g.Name == name || (g.Prefix && strings.HasPrefix(name, g.Name))
		})
		switch {
		case granted && isLoaderVariable(name) && !addon:
			return envNeedsAddon
		case granted || inNames(keptVariables[:], name):
			return envKept
		}
		return envRemoved
	}
}

// An environment is what becomes of the caller's variables.
type environment struct {
	kept      []string // entries that the target gets
	removed   []string // names of the others
	needAddon []string // names among them that only the addon grant is missing for
}

// environment judges the variables, once.
func (f *Facts) environment() *environment {
	if f.env == nil {
		f.env = new(environment)
		*f.env = filterEnv(f.Policy, f.Env)
	}
	return f.env
}

// filterEnv judges every variable. An entry without "=" names nothing and is removed.
func filterEnv(p policy.Policy, env []string) (e environment) {
	e.kept = make([]string, 0, len(env))
	judge := judgeVariables(p)
	for _, entry := range env {
		name, _, ok := strings.Cut(entry, "=")
		if !ok || name == "" {
			continue
		}
		switch judge(name) {
		case envKept:
			e.kept = append(e.kept, entry)
		case envNeedsAddon:
			e.needAddon = append(e.needAddon, name)
			e.removed = append(e.removed, name)
		default:
			e.removed = append(e.removed, name)
		}
	}
	return e
}

// withoutLoaders removes variables that load code, unless addon is granted. A
// script could ask for one in its first line.
func withoutLoaders(p policy.Policy, env []string) []string {
	if _, addon := p.All(policy.Addon); addon {
		return env
	}
	return slices.DeleteFunc(env, func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return isLoaderVariable(name)
	})
}
