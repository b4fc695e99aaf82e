#include "textflag.h"

// func cloneOnStack(flags, stack uintptr, s *sealing) (pid, errno uintptr)
TEXT ·cloneOnStack(SB), NOSPLIT|NOFRAME, $0-40
	MOVD	flags+0(FP), R0
	MOVD	stack+8(FP), R1
	MOVD	ZR, R2
	MOVD	ZR, R3
	MOVD	ZR, R4
	MOVD	s+16(FP), R19	// the kernel keeps it for both
	MOVD	$220, R8	// clone
	SVC
	CMN	$4095, R0
	BCS	failed
	CBZ	R0, child
	MOVD	R0, pid+24(FP)
	MOVD	ZR, errno+32(FP)
	RET

failed:
	NEG	R0, R0
	MOVD	ZR, pid+24(FP)
	MOVD	R0, errno+32(FP)
	RET

child:
	SUB	$32, RSP
	MOVD	R19, 8(RSP)
	BL	·sealChild(SB)	// does not return
	BRK
