package seccomp_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/seccomp"
)

// TestTicket: one execve has the ticket; every other, however near, is refused, or told
// to the supervisor.
func TestTicket(t *testing.T) {
	for _, c := range []seccomp.Choice{{}, seccomp.Direct(), seccomp.Supervised()} {
		checkTicket(t, c)
	}
}

func checkTicket(t *testing.T, c seccomp.Choice) {
	t.Helper()
	ticket, err := seccomp.NewTicket()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := seccomp.NewTicket(); err != nil || again == ticket {
		t.Errorf("the next ticket is %x, %v", again, err)
	}
	row, ok := seccomp.Lookup(unix.SYS_EXECVE)
	if !ok {
		t.Fatal("no row")
	}
	match := row.Cases()[0].If
	marks := seccomp.Ticket{match[0].Value, match[1].Value}
	audit := native().Audit
	other := row.Action.Answer(&c)
	const own = seccomp.OwnPID
	// The others look like what is replaced.
	for _, ticket := range []seccomp.Ticket{ticket, {}, {marks[1], marks[0]}, {own<<32 | own, own}} {
		code := seccomp.Program(c)
		seccomp.Bind(code, 4711, &ticket)
		passes := func(args [6]uint64) bool {
			verdict, _ := run(code, &call{nr: unix.SYS_EXECVE, arch: audit, args: args})
			if verdict != seccomp.Pass && verdict != other {
				t.Errorf("arguments %x: %#x", args, verdict)
			}
			return verdict == seccomp.Pass
		}
		right := [6]uint64{1, 2, 3, 4, ticket[0], ticket[1]}
		if !passes(right) {
			t.Errorf("ticket %x does not pass", ticket)
		}
		for bit := range 128 {
			wrong := right
			wrong[4+bit/64] ^= 1 << (bit % 64)
			if passes(wrong) {
				t.Errorf("ticket %x passes with bit %d turned", ticket, bit)
			}
		}
		for _, wrong := range [][6]uint64{{3: ticket[0], 4: ticket[1]}, {4: marks[0], 5: marks[1]}, {4: own, 5: own}} {
			if passes(wrong) != (wrong[4] == ticket[0] && wrong[5] == ticket[1]) {
				t.Errorf("ticket %x: arguments %x", ticket, wrong)
			}
		}
	}
}
