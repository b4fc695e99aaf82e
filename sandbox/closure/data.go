package closure

// A datum is a file that programs need besides their code. All are public: a
// secret, or anything of a person, has no place in these tables.
type datum struct {
	path   string
	access Access
	tree   bool
	why    string
}

// common is for every program. Only the C library decides what it opens, but a
// static program has one too.
var common = []datum{
	{"/dev/null", Read | Write, false, "device"},
	{"/dev/zero", Read | Write, false, "device"},
	{"/dev/full", Read | Write, false, "device"},
	{"/dev/random", Read, false, "device"},
	{"/dev/urandom", Read, false, "device"},
	{"/usr/share/zoneinfo", Read, true, "time zones"},
	{"/etc/localtime", Read, false, "time zone"},
	{"/etc/timezone", Read, false, "time zone"},
	{"/lib/terminfo", Read, true, "terminal descriptions"},
	{"/usr/lib/terminfo", Read, true, "terminal descriptions"},
	{"/usr/share/terminfo", Read, true, "terminal descriptions"},
	{"/etc/terminfo", Read, true, "terminal descriptions"},
	{"/usr/lib/locale", Read, true, "locales"},
	{"/usr/share/locale", Read, true, "locales and translations"},
	{"/usr/share/locale-langpack", Read, true, "translations (Ubuntu)"},
	{"/etc/locale.alias", Read, false, "locale names"},

	// Public files that programs end over when they exist and cannot be read.
	{"/etc/ssl/openssl.cnf", Read, false, "OpenSSL's configuration: its programs, node and ruby end without it"},
	{"/usr/lib/ssl/openssl.cnf", Read, false, "OpenSSL's configuration where Debian's OpenSSL looks"},
	{"/etc/pki/tls/openssl.cnf", Read, false, "OpenSSL's configuration where Fedora's OpenSSL looks"},
	{"/etc/crypto-policies/back-ends/opensslcnf.config", Read, false, "included by OpenSSL's configuration (Fedora)"},
	{"/etc/gitconfig", Read, false, "git ends when it cannot read its system configuration"},
	{"/etc/os-release", Read, false, "installers and language runtimes ask for the distribution"},
	{"/usr/lib/os-release", Read, false, "installers and language runtimes ask for the distribution"},
	{"/etc/debian_version", Read, false, "installers and language runtimes ask for the distribution"},
	{"/etc/nsswitch.conf", Read, false, "which plug-ins the C library uses"},
	{"/etc/mime.types", Read, false, "python's mimetypes, and with it its HTTP server, end when they cannot read it"},
}

// glibcData is for programs of the GNU C library, also with --bare.
var glibcData = []datum{
	{"/etc/ld.so.cache", Read, false, "index of the ELF interpreter"},
}

// glibcPlugins are libraries in the C library's directory that it opens by name.
// They need nothing but each other. NSS modules of others (systemd, sss, mdns)
// are left out: they ask daemons through sockets, which is for net to grant, and
// the C library goes on without them.
var glibcPlugins = []datum{
	{"libgcc_s.so.1", Read | Map, false, "opened by the C library to end threads and for backtraces"},
	{"libnss_files.so.2", Read | Map, false, "NSS plug-in of the C library"},
	{"libnss_dns.so.2", Read | Map, false, "NSS plug-in of the C library"},
	{"libnss_compat.so.2", Read | Map, false, "NSS plug-in of the C library"},
	{"libresolv.so.2", Read | Map, false, "needed by an NSS plug-in of the C library"},
	{"gconv", Read, true, "character sets of the C library"},
}

// systemLibraries is where a program that is no known interpreter has its
// plug-ins: gcc's linker plug-in, modules of git, tar, nginx. A table of programs
// would never be complete.
var systemLibraries = []string{
	"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/local/lib", "/usr/local/lib64", "/usr/local/libexec",
}
