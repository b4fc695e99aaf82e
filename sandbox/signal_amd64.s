#include "textflag.h"

// onSignal is the handler: it writes the signal and its si_code into the pipe.
// The kernel calls it with the C convention, on any thread.
TEXT onSignal<>(SB), NOSPLIT|NOFRAME, $0
	SUBQ	$24, SP
	MOVL	8(SI), AX	// siginfo_t.si_code
	MOVL	DI, 0(SP)
	MOVL	AX, 4(SP)
	MOVQ	·signalPipe(SB), DI
	MOVQ	SP, SI
	MOVL	$8, DX
	MOVL	$1, AX		// write
	SYSCALL
	ADDQ	$24, SP
	RET			// to signalReturn

TEXT signalReturn<>(SB), NOSPLIT|NOFRAME, $0
	MOVL	$15, AX		// rt_sigreturn
	SYSCALL
	INT	$3

// func handler() (handle, restore uintptr)
TEXT ·handler(SB), NOSPLIT|NOFRAME, $0-16
	LEAQ	onSignal<>(SB), AX
	MOVQ	AX, handle+0(FP)
	LEAQ	signalReturn<>(SB), AX
	MOVQ	AX, restore+8(FP)
	RET
