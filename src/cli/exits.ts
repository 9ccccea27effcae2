/**
 * Exit codes that say more than 0 and 1.
 *
 * They are those of `sysexits.h`, and what a shell says of a signal or of a program that is not there. What each command
 * means by them stands in docs/reference/error-codes.md.
 */
export const EX_USAGE = 64
/** What a file holds is not what was asked for. */
export const EX_DATAERR = 65
export const EX_NOINPUT = 66
/** Somebody who is needed does not answer. */
export const EX_UNAVAILABLE = 69
/** What is said cannot be written: the disk is full. */
export const EX_IOERR = 74
/** Not in time. */
export const EX_TEMPFAIL = 75
export const EX_NOPERM = 77
export const EX_CONFIG = 78
/** As a shell says it of a program that is not there. */
export const NOT_FOUND = 127
/** 128 and the number of SIGINT. */
export const INTERRUPTED = 130
/** 128 and the number of SIGPIPE: `| head`. */
export const EX_PIPE = 141
