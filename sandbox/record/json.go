package record

import (
	"encoding/base64"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

// JSON is the record for programs: one object in one line, without a newline.
//
// JSON text is UTF-8, and names of files are any bytes. Where a value is not
// UTF-8 each broken byte shows as U+FFFD, and a key with "_base64" behind its
// name follows, which holds the exact bytes. What cannot be printed is escaped,
// so that the line may also be shown on a terminal.
func (r *Record) JSON() []byte {
	b := make([]byte, 0, 512)
	b = append(b, `{"v":1,"time":"`...)
	b = r.Time.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	b = appendText(b, "verdict", r.Verdict.String())
	b = appendText(b, "permission", r.permission())
	b = appendText(b, "scope", string(r.Scope))
	b = appendText(b, "resource", r.Resource)
	b = appendText(b, "call", r.Call)
	b = appendText(b, "errno", r.errno())
	b = append(b, `,"pid":`...)
	b = strconv.AppendInt(b, int64(r.PID), 10)
	b = append(b, `,"tid":`...)
	b = strconv.AppendInt(b, int64(r.TID), 10)
	b = appendText(b, "exe", r.Exe)
	b = appendText(b, "flag", r.Flag())
	b = appendText(b, "code", r.Code)
	if r.Detail != "" {
		b = appendText(b, "detail", r.Detail)
	}
	return append(b, '}')
}

// appendText adds a key and its value, and the exact bytes of what is no text.
func appendText(b []byte, key, value string) []byte {
	b = appendString(append(append(append(b, `,"`...), key...), `":`...), value)
	if utf8.ValidString(value) {
		return b
	}
	b = append(append(append(b, `,"`...), key...), `_base64":"`...)
	b = base64.StdEncoding.AppendEncode(b, []byte(value))
	return append(b, '"')
}

// appendString adds a JSON string.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"', r == '\\':
			b = append(b, '\\', byte(r))
		case r == utf8.RuneError, unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		case r > 0xFFFF:
			r -= 0x10000
			b = appendUnit(appendUnit(b, 0xD800+r>>10), 0xDC00+r&0x3FF)
		default:
			b = appendUnit(b, r)
		}
	}
	return append(b, '"')
}

// appendUnit adds a code unit of UTF-16 as JSON escapes it.
func appendUnit(b []byte, u rune) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[u>>12&15], digits[u>>8&15], digits[u>>4&15], digits[u&15])
}
