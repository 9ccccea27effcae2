/**
 * The answer to a batch, taken apart into one for each of its events.
 *
 *   {"results":[{"id":…,"status":"done"|"accepted"|"retry"|"failed","error"?,"retry_after_seconds"?}]}
 *
 * Results count whatever the HTTP status is: an app that answers 500 after it has named three events as done knows what
 * it did about those three. An event that no result names takes the status. One that is named with a status that is none
 * is sent again: taken for the HTTP status, a misspelt failure would count as done. Of two about one event the last
 * counts: it was written last, and a member that comes twice is read so too.
 */
import type { Answer } from './answer.ts'
import { storableText } from './json.ts'

/** What is kept of the app's own words. */
const ERROR_MAX_BYTES = 200

interface Result {
  /** Undefined for a status that is none. */
  readonly status: Status | undefined
  readonly error: string
  readonly retryAfterMs: number | undefined
}

type Status = 'done' | 'accepted' | 'retry' | 'failed'
const STATUSES: ReadonlySet<unknown> = new Set<Status>(['done', 'accepted', 'retry', 'failed'])

/** @returns an answer for each work, in their order; none keeps the body. */
export function answersOf(answer: Answer, workIds: readonly string[]): readonly Answer[] {
  const { body, ...whole } = answer
  const results = body === undefined ? undefined : resultsIn(body)
  const unnamed = refusedTogether(whole, workIds.length) ?? whole
  return workIds.map((id) => {
    const result = results?.get(id)
    return result === undefined ? unnamed : answerOf(result, whole)
  })
}

/**
 * A refusal of several that names none of them: most often one of them, or their number, is what the app cannot take. So
 * each is sent again alone, and refused for what it is.
 */
function refusedTogether(whole: Answer, events: number): Answer | undefined {
  if (whole.kind !== 'never' || events < 2) return undefined
  return {
    kind: 'later',
    why: `${whole.why} for a batch of ${events}; it is sent again alone`,
    responded: true,
    alone: true,
  }
}

function answerOf({ status, error, retryAfterMs }: Result, whole: Answer): Answer {
  const why = `the app said ${status ?? 'a status that is none'}${error === '' ? '' : `: ${error}`}`
  switch (status) {
    case 'done':
    case 'accepted':
      return { kind: status, why }
    case 'failed':
      return { kind: 'never', why, responded: true }
    case 'retry':
    case undefined: {
      // A Retry-After beside the results holds for whichever of them names no time of its own.
      const afterMs = retryAfterMs ?? (whole.kind === 'later' ? whole.retryAfterMs : undefined)
      return { kind: 'later', why, responded: true, ...(afterMs !== undefined && { retryAfterMs: afterMs }) }
    }
  }
}

/** The sound results by id; undefined when the body is no answer to a batch at all. */
function resultsIn(body: string): ReadonlyMap<string, Result> | undefined {
  const all = membersOf(parsed(body))?.results
  if (!Array.isArray(all)) return undefined
  const results = new Map<string, Result>()
  for (const each of all) {
    const { id, status, error, retry_after_seconds: seconds } = membersOf(each) ?? {}
    if (typeof id !== 'string') continue
    results.set(id, {
      status: isStatus(status) ? status : undefined,
      error: typeof error === 'string' ? storableText(error, ERROR_MAX_BYTES) : '',
      retryAfterMs: typeof seconds === 'number' && seconds >= 0 && seconds <= MAX_SECONDS ? seconds * 1000 : undefined,
    })
  }
  return results
}

/** As many digits as Retry-After may have; the policy's cap is far below. */
const MAX_SECONDS = 1e15

function isStatus(value: unknown): value is Status {
  return STATUSES.has(value)
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}
