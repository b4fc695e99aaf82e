#include "textflag.h"

// onSignal is the handler: it writes the signal and its si_code into the pipe.
// The kernel calls it with the C convention, on any thread, and has it return to
// the vDSO's rt_sigreturn.
TEXT onSignal<>(SB), NOSPLIT|NOFRAME, $0
	SUB	$16, RSP
	MOVWU	8(R1), R2	// siginfo_t.si_code
	MOVW	R0, 0(RSP)
	MOVW	R2, 4(RSP)
	MOVD	·signalPipe(SB), R0
	MOVD	RSP, R1
	MOVD	$8, R2
	MOVD	$64, R8		// write
	SVC
	ADD	$16, RSP
	RET

// func handler() (handle, restore uintptr)
TEXT ·handler(SB), NOSPLIT|NOFRAME, $0-16
	MOVD	$onSignal<>(SB), R0
	MOVD	R0, handle+0(FP)
	MOVD	ZR, restore+8(FP)
	RET
