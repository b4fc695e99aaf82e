package policy

// A Scope names what a permission is about, as check and records spell it.
type Scope string

// The scopes, in the order of the table.
const (
	FSRead    Scope = "fs.read"
	FSWrite   Scope = "fs.write"
	Child     Scope = "child"
	Worker    Scope = "worker"
	Addon     Scope = "addon"
	Net       Scope = "net"
	Inspector Scope = "inspector"
	Env       Scope = "env"
)

// UnixSockets is what Net does not grant in this version.
const UnixSockets = "unix"

// A Value is what the flag of a capability takes.
type Value uint8

// What flags take. All but Patterns can stand without a value, which grants the
// whole scope; in a manifest that is true.
const (
	Patterns         Value = iota + 1 // file patterns; a value is required
	OptionalPatterns                  // file patterns
	OptionalPrograms                  // paths of programs, or names to look up in PATH
	OptionalRules                     // network rules
	OptionalNames                     // names of variables
	Switch                            // nothing but true and false
)

// A Capability is one thing that a policy can grant.
type Capability struct {
	Scope Scope
	Flag  string // without dashes; also the key in a manifest
	Node  string // what Node.js calls the permission; records use it
	Arg   string // what the flag takes, "" for a switch
	Help  string
	Value Value
}

// Capabilities is the one table that flags, manifest, schema, check and README
// are held against.
var Capabilities = []Capability{
	{FSRead, "allow-fs-read", "FileSystemRead", "PATTERN,...", "open files for reading, list directories", Patterns},
	{FSWrite, "allow-fs-write", "FileSystemWrite", "PATTERN,...", "create, write, rename and remove files, change their metadata", Patterns},
	{Child, "allow-child-process", "ChildProcess", "PROGRAM,...", "start other processes: any program, or those listed", OptionalPrograms},
	{Worker, "allow-worker", "WorkerThreads", "", "start threads", Switch},
	{Addon, "allow-addons", "Addon", "PATTERN,...", "load native code that is not part of the program", OptionalPatterns},
	{Net, "allow-net", "Net", "RULE,...", "use the network (no RULE is served in this version)", OptionalRules},
	{Inspector, "allow-inspector", "Inspector", "", "trace and inspect the sandbox's own processes", Switch},
	{Env, "allow-env", "Env", "NAME,...", "pass environment variables on", OptionalNames},
}

// Lookup finds the capability of a scope.
func Lookup(s Scope) (Capability, bool) {
	for _, c := range Capabilities {
		if c.Scope == s {
			return c, true
		}
	}
	return Capability{}, false
}

// rank is the place of a scope in the table.
func rank(s Scope) int {
	for i := range Capabilities {
		if Capabilities[i].Scope == s {
			return i
		}
	}
	return len(Capabilities)
}
