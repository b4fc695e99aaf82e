package seccomp

import (
	"slices"

	"golang.org/x/sys/unix"
)

// prctlCases is the allow list of options. Not on it, and worth a word:
// PR_SET_SYSCALL_USER_DISPATCH (sends calls elsewhere), PR_SCHED_CORE and
// PR_TASK_PERF_EVENTS_* (reach other processes), PR_SET_MEMORY_MERGE (shares
// pages with strangers, who can time that), PR_SET_IO_FLUSHER (needs a capability).
func prctlCases() []Case {
	return slices.Concat(
		anyOf(0, eperm, unix.PR_SET_MM), // moves the marks that /proc shows
		anyOf(0, askTracer, unix.PR_SET_PTRACER),
		anyOf(0, askHide, unix.PR_SET_DUMPABLE),
		anyOf(0, Pass,
			unix.PR_SET_PDEATHSIG, unix.PR_GET_PDEATHSIG, unix.PR_SET_CHILD_SUBREAPER, unix.PR_GET_CHILD_SUBREAPER,
			unix.PR_SET_NAME, unix.PR_GET_NAME, unix.PR_SET_VMA, unix.PR_GET_AUXV, unix.PR_GET_TID_ADDRESS,
			unix.PR_GET_DUMPABLE,
			unix.PR_SET_TIMERSLACK, unix.PR_GET_TIMERSLACK, unix.PR_GET_TIMING, unix.PR_SET_TIMING,
			unix.PR_SET_TSC, unix.PR_GET_TSC, unix.PR_SET_UNALIGN, unix.PR_GET_UNALIGN,
			unix.PR_SET_THP_DISABLE, unix.PR_GET_THP_DISABLE, unix.PR_MCE_KILL, unix.PR_MCE_KILL_GET,
			unix.PR_FUTEX_HASH, unix.PR_RSEQ_SLICE_EXTENSION,
		),
		anyOf(0, Pass, givingUp()...),
		anyOf(0, Pass,
			unix.PR_GET_SPECULATION_CTRL, unix.PR_SET_SPECULATION_CTRL,
			unix.PR_SVE_SET_VL, unix.PR_SVE_GET_VL, unix.PR_SME_SET_VL, unix.PR_SME_GET_VL,
			unix.PR_PAC_RESET_KEYS, unix.PR_PAC_SET_ENABLED_KEYS, unix.PR_PAC_GET_ENABLED_KEYS,
			unix.PR_SET_TAGGED_ADDR_CTRL, unix.PR_GET_TAGGED_ADDR_CTRL,
			unix.PR_GET_SHADOW_STACK_STATUS, unix.PR_SET_SHADOW_STACK_STATUS, unix.PR_LOCK_SHADOW_STACK_STATUS,
			unix.PR_GET_CFI, unix.PR_SET_CFI,
		),
	)
}

// givingUp are the options that take rights away, or ask which are left. Those
// that could give some back need a capability that the target does not have.
func givingUp() []uint64 {
	return []uint64{
		unix.PR_SET_NO_NEW_PRIVS, unix.PR_GET_NO_NEW_PRIVS,
		unix.PR_SET_SECCOMP, unix.PR_GET_SECCOMP, // takes no flags, so no listener
		unix.PR_CAPBSET_READ, unix.PR_CAPBSET_DROP, unix.PR_CAP_AMBIENT,
		unix.PR_GET_SECUREBITS, unix.PR_SET_SECUREBITS, unix.PR_GET_KEEPCAPS, unix.PR_SET_KEEPCAPS,
		unix.PR_SET_MDWE, unix.PR_GET_MDWE,
	}
}
