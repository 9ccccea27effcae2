/**
 * The judges of what callers send: one for bodies, which have types, one for queries, which are texts.
 *
 * The law: nothing a caller sent is cut, removed or filled in; it passes, or is refused with its member's name. Schemas
 * are literals whose types the compiler reads, so ajv need not read them against JSON Schema's own (2 MB and 30 ms of
 * every start), and those of bodies are compiled when the first body of their kind comes.
 */
import { Ajv } from 'ajv'

const OURS = { meta: false, validateSchema: false }

/** Takes a body as it is: "1" is no number. */
export const bodies = new Ajv(OURS)

/**
 * Reads texts: "5" is an integer, "1.5", "" and two at once are none. Strict about numbers it would pass over the
 * bounds of one that is infinite, as "1e400" is once it has been read.
 */
export const queries = new Ajv({ ...OURS, coerceTypes: true, strictNumbers: false })
