package seccomp

func openCases() []Case  { return openModes(1, 2) }
func creatCases() []Case { return anyBit(1, setID, eperm) }
func mknodCases() []Case { return nodeModes(1) }

// archPrctlCases is the allow list of codes; from
// arch/x86/include/uapi/asm/prctl.h. Not on it: ARCH_MAP_VDSO_* (moves kernel
// code about), ARCH_SET_CPUID, and ARCH_FORCE_TAGGED_SVA.
func archPrctlCases() []Case {
	const (
		setGS, setFS, getFS, getGS  = 0x1001, 0x1002, 0x1003, 0x1004
		getCPUID                    = 0x1011
		getXcompSupp, reqXcompGuest = 0x1021, 0x1025 // the codes between them too: AMX
		getUntagMask, enableTagged  = 0x4001, 0x4002
		getMaxTagBits               = 0x4003
		shstkEnable, shstkDisable   = 0x5001, 0x5002
		shstkLock, shstkStatus      = 0x5003, 0x5005
	)
	cases := anyOf(0, Pass, setGS, setFS, getFS, getGS, getCPUID, getUntagMask, enableTagged, getMaxTagBits,
		shstkEnable, shstkDisable, shstkLock, shstkStatus)
	for code := uint64(getXcompSupp); code <= reqXcompGuest; code++ {
		cases = append(cases, is(0, code, Pass))
	}
	return cases
}
