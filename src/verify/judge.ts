/**
 * What a trial says about the contract. Pure: what came in, kept or broken out.
 *
 *   done, and no report against it · accepted, then completed or failed       kept
 *   later · never · away · accepted, then silence or a retry                  broken, each with what would be right
 */
import type { Tried } from './trial.ts'

export type Outcome =
  | { readonly kind: 'kept'; readonly came: string }
  | { readonly kind: 'broken'; readonly came: string; readonly hint: string; readonly away: boolean }

export function kept(tried: Tried): Outcome {
  return { kind: 'kept', came: toldOf(tried) }
}

export function broken(came: string, hint: string, away = false): Outcome {
  return { kind: 'broken', came, hint, away }
}

/** @param hint for what this check is about; without it, for the answer as such. */
export function judge(tried: Tried, when = '', hint?: string): Outcome {
  const { answer, ending } = tried
  const came = `${when}${toldOf(tried)}`
  if (ending === 'completed' || ending === 'failed') return { kind: 'kept', came }
  if (ending === 'retry')
    return broken(came, hint ?? 'The app asks for the event again: it should be able to do this one.')
  if (ending === 'silent') return broken(came, hint ?? SILENT)
  switch (answer.kind) {
    case 'done':
    case 'accepted':
      return { kind: 'kept', came }
    case 'later':
      return broken(came, hint ?? LATER)
    case 'never':
      return broken(came, hint ?? 'Such an answer is for good: the work has failed and the event does not come again.')
    case 'away':
      return broken(came, 'Nothing listens there any more: look into the log of the app for why.', true)
  }
}

const LATER =
  'The bridge would send it again, ten times. Answer 2xx when the work is done, or 202 and report later; report what failed as failed.'
const SILENT =
  'After a 202 report to $WORK_API_URL/work/<work-id>/completed or failed; without it the lease runs out and the event comes again.'

/** For what must be refused. */
export function judgeRefusal(tried: Tried): Outcome {
  const { answer, reports } = tried
  const came = toldOf(tried)
  if (answer.kind === 'away') return judge(tried)
  if (reports.length > 0) return broken(came, 'Verify the signature before anything is done with the event.')
  // Other 4xx say something else: 404 and 408 come from whatever stands before the app, 429 is asked again.
  if (/^HTTP 40[013]\b/.test(answer.why)) return { kind: 'kept', came }
  return broken(
    came,
    'Verify as Standard Webhooks says (id, timestamp, body; not older than 5 minutes) and answer 401.',
  )
}

/**
 * Did a repeat end as the first did, and was that said again? The bridge may have died with the first report, and one that
 * is repeated makes no second event. Whoever reports nothing at all contradicts nothing.
 */
export function sameEnding(first: Tried, again: Tried): boolean {
  return first.ending === undefined || first.ending === again.ending
}

/** `HTTP 202, reported started, completed, 12 ms`. */
export function toldOf({ answer, ending, reports, tookMs }: Tried): string {
  const told = reports.length === 0 ? '' : `, reported ${reports.join(', ')}`
  const silent = ending === 'silent' ? ', then no report of an ending' : ''
  return `${answer.why}${told}${silent}, ${tookMs} ms`
}
