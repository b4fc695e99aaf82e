#include "textflag.h"

// func cloneOnStack(flags, stack uintptr, s *sealing) (pid, errno uintptr)
TEXT ·cloneOnStack(SB), NOSPLIT|NOFRAME, $0-40
	MOVQ	flags+0(FP), DI
	MOVQ	stack+8(FP), SI
	XORL	DX, DX
	XORL	R10, R10
	XORL	R8, R8
	MOVQ	s+16(FP), R12	// the kernel keeps it for both
	MOVL	$56, AX		// clone
	SYSCALL
	CMPQ	AX, $0xfffffffffffff001
	JCC	failed
	TESTQ	AX, AX
	JEQ	child
	MOVQ	AX, pid+24(FP)
	MOVQ	$0, errno+32(FP)
	RET

failed:
	NEGQ	AX
	MOVQ	$0, pid+24(FP)
	MOVQ	AX, errno+32(FP)
	RET

child:
	SUBQ	$16, SP
	MOVQ	R12, 0(SP)
	CALL	·sealChild(SB)	// does not return
	INT	$3
