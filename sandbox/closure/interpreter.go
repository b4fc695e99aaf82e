package closure

import (
	"path/filepath"
	"slices"
	"strings"
)

// An interpreter is a program that runs scripts, and what it brings.
type interpreter struct {
	name    string
	names   []string // of its executables; a version may follow
	library string   // or what only its executables need
	threads string   // what cannot run without threads, "" if it can
	foreign []string // base names of its foreign-function interfaces
	options *options
	layout  func(p *program) layout
}

// A layout says what an installation of an interpreter is made of. What does not
// exist is left out.
type layout struct {
	read    []string // files and directories
	native  []string // directories that are read, and whose native code is its own
	modules []string // those of the standard library's modules, whose libraries are needed too
}

// interpreters is the table of those that are known. A program that is not in it
// gets its ELF closure, and native code from the system's library directories.
var interpreters = []interpreter{
	{
		name: "python", names: []string{"python"},
		foreign: []string{"_ctypes*", "_cffi_backend*"},
		options: &options{
			flags: "bBdEiIOPqRsStuvx3", value: "WXQ", ends: "cmVh?",
			longValue: []string{"check-hash-based-pycs"},
			longEnds:  []string{"version", "help", "help-env", "help-xoptions", "help-all"},
		},
		layout: pythonLayout,
	},
	{
		name: "node", names: []string{"node", "nodejs"}, threads: "node",
		options: &nodeOptions,
		layout:  nodeLayout,
	},
	{
		name: "perl", names: []string{"perl"},
		// -d takes what follows a colon.
		options: &options{flags: "acdfgnpsStTuUwWX", digits: "0l", value: "I", ends: "eEvVh?", rest: "CDFMimx:"},
		layout:  perlLayout,
	},
	{
		name: "ruby", names: []string{"ruby"},
		foreign: []string{"fiddle.so", "ffi_c.so"},
		options: &options{
			// -W takes a level, or what follows a colon.
			flags: "acdlnpsSUvwy", digits: "0TW", value: "IrCXE", ends: "eh", rest: "FKix:",
			longFlags: []string{"debug", "debug-frozen-string-literal", "verbose", "yydebug", "jit", "mjit", "rjit", "yjit", "enable-*", "disable-*"},
			longValue: []string{"encoding", "external-encoding", "internal-encoding", "enable", "disable", "backtrace-limit", "parser", "dump"},
			longEnds:  []string{"version", "help", "copyright"},
		},
		layout: rubyLayout,
	},
	{
		name: "bash", names: []string{"bash", "rbash"},
		options: &options{
			flags: "abefhiklmnprtuvxBCDEHPT", value: "oO", ends: "cs", plus: true,
			longFlags: []string{"debug", "debugger", "dump-strings", "dump-po-strings", "login", "noediting", "noprofile", "norc", "posix", "restricted", "verbose"},
			longValue: []string{"rcfile", "init-file"}, longEnds: []string{"version", "help"},
		},
		layout: bashLayout,
	},
	{
		name: "sh", names: []string{"sh", "dash", "ash"},
		options: &options{flags: "abefghiklmnpqtuvxCEITV", value: "o", ends: "cs", plus: true},
		layout:  func(*program) layout { return layout{} },
	},
	{
		name: "java", names: []string{"java"}, threads: "the Java virtual machine",
		options: &options{
			words: true, only: ".java", longScript: []string{"jar"},
			longFlags: []string{
				"D*", "X*", "agentlib:*", "agentpath:*", "javaagent:*", "splash:*", "verbose*", "ea*", "da*", "esa", "dsa",
				"enableassertions*", "disableassertions*", "enablesystemassertions", "disablesystemassertions",
				"client", "server", "d64", "enable-preview", "dry-run", "show-version", "showversion",
				"show-module-resolution", "validate-modules", "disable-@files",
			},
			longValue: []string{
				"cp", "classpath", "class-path", "p", "module-path", "upgrade-module-path", "add-modules",
				"limit-modules", "add-exports", "add-opens", "add-reads", "patch-module", "source", "enable-native-access",
			},
			longEnds: []string{"m", "module", "d", "describe-module", "version", "help", "list-modules", "h", "?", "X", "fullversion", "full-version", "help-extra"},
		},
		layout: javaLayout,
	},
	{
		// javac, jar, keytool and the others are the Java launcher with another
		// main class.
		name: "java", library: "libjli.so", threads: "the Java virtual machine",
		options: &options{none: true},
		layout:  javaLayout,
	},
}

// nodeOptions are those of node 18 to 24. V8's own options take their value after "="
// only, and what begins with "no-" switches another off.
var nodeOptions = options{
	flags: "ci", value: "rC", ends: "epvh",
	longEnds: []string{"eval", "print", "version", "help", "v8-options", "run", "test"},
	suffixes: []string{".js", ".json", ".node"},
	longValue: []string{
		"require", "import", "loader", "experimental-loader", "conditions", "env-file", "env-file-if-exists", "title",
		"input-type", "experimental-default-type", "dns-result-order", "unhandled-rejections", "icu-data-dir",
		"max-http-header-size", "redirect-warnings", "trace-event-categories", "trace-event-file-pattern",
		"disable-warning", "disable-proto", "openssl-config", "tls-cipher-list", "tls-keylog",
		"secure-heap", "secure-heap-min", "report-dir", "report-directory", "report-filename", "report-signal",
		"heapsnapshot-signal", "heapsnapshot-near-heap-limit", "cpu-prof-dir", "cpu-prof-name", "cpu-prof-interval",
		"heap-prof-dir", "heap-prof-name", "heap-prof-interval", "diagnostic-dir", "inspect-port", "debug-port",
		"inspect-publish-uid", "localstorage-file", "watch-path", "build-snapshot-config", "experimental-sea-config",
		"allow-fs-read", "allow-fs-write", "experimental-policy", "policy-integrity", "network-family-autoselection-attempt-timeout",
		"test-concurrency", "test-shard", "test-skip-pattern", "test-timeout", "snapshot-blob", "use-largepages",
		"experimental-specifier-resolution", "es-module-specifier-resolution", "experimental-config-file", "experimental-test-isolation", "test-isolation",
		"test-name-pattern", "test-reporter", "test-reporter-destination", "v8-pool-size", "watch-kill-signal",
	},
	longFlags: []string{
		"no-*", "abort-on-uncaught-exception", "addons", "allow-addons", "allow-child-process", "allow-natives-syntax", "allow-wasi", "allow-worker", "build-snapshot",
		"check", "cpu-prof", "deprecation", "disable-wasm-trap-handler", "disallow-code-generation-from-strings", "enable-fips",
		"enable-network-family-autoselection", "enable-source-maps", "entry-url", "experimental-abortcontroller",
		"experimental-detect-module", "experimental-eventsource", "experimental-fetch", "experimental-global-customevent",
		"experimental-global-navigator", "experimental-global-webcrypto", "experimental-import-meta-resolve",
		"experimental-json-modules", "experimental-modules", "experimental-network-imports", "experimental-network-inspection",
		"experimental-permission", "experimental-repl-await", "experimental-report", "experimental-require-module",
		"experimental-shadow-realm", "experimental-sqlite", "experimental-strip-types", "experimental-test-coverage",
		"experimental-test-module-mocks", "experimental-top-level-await",
		"experimental-transform-types", "experimental-vm-modules", "experimental-wasi-unstable-preview1",
		"experimental-wasm-modules", "experimental-websocket", "experimental-webstorage", "experimental-worker",
		"expose-gc", "expose_gc", "expose-internals", "extra-info-on-fatal-exception", "force-context-aware", "force-fips",
		"force-node-api-uncaught-exceptions-policy", "frozen-intrinsics", "global-search-paths", "harmony", "heap-prof",
		"insecure-http-parser", "inspect", "inspect-brk", "inspect-wait", "interactive", "interpreted-frames-native-stack",
		"jitless", "napi-modules", "network-family-autoselection", "node-memory-debug", "node-snapshot",
		"openssl-legacy-provider", "openssl-shared-config", "pending-deprecation", "perf-basic-prof",
		"perf-basic-prof-only-functions", "perf-prof", "perf-prof-unwinding-info", "permission", "preserve-symlinks",
		"preserve-symlinks-main", "prof", "prof-process", "report-compact", "report-exclude-network",
		"report-on-fatalerror", "report-on-signal", "report-uncaught-exception", "test-force-exit", "test-only",
		"throw-deprecation", "tls-max-v1.2", "tls-max-v1.3", "tls-min-v1.0", "tls-min-v1.1", "tls-min-v1.2", "tls-min-v1.3",
		"trace-deprecation", "trace-events-enabled", "trace-exit", "trace-promises", "trace-sigint", "trace-sync-io",
		"trace-tls", "trace-uncaught", "trace-warnings", "track-heap-objects", "use-bundled-ca", "use-openssl-ca",
		"use-system-ca", "verify-base-objects", "warnings", "watch", "watch-preserve-output", "zero-fill-buffers",
	},
}

// interpreterOf finds the row of an executable, nil if it is not known. A program
// with many names is known by the one that it is started by.
func interpreterOf(real, path string, needed []string) *interpreter {
	base := filepath.Base(real)
	if base == "busybox" || base == "toybox" {
		base = filepath.Base(path)
	}
	for i := range interpreters {
		for _, name := range interpreters[i].names {
			if isVersionOf(base, name) {
				return &interpreters[i]
			}
		}
		if library := interpreters[i].library; library != "" && slices.Contains(needed, library) {
			return &interpreters[i]
		}
	}
	return nil
}

// isVersionOf tells whether a file name is a name, or one with a version:
// python3.11, perl5.36.0, python3.11-dbg.
func isVersionOf(base, name string) bool {
	rest, ok := strings.CutPrefix(base, name)
	return ok && (rest == "" || isDigit(rest[0]) || rest[0] == '-' || rest[0] == '.')
}
