/**
 * A person lets go of a work: nothing more is owed for it, whatever is out or held.
 *
 * The one step that no neighbour brings about. Its call has been taken back before; reports that XZepr does not have yet
 * are still told, but nothing waits for them. The record settles as passed over, and is not sent again.
 */
import type { Step } from './effects.ts'
import type { Work } from './work.ts'
import { coordinatesOf, hasEnded } from './work.ts'

export function letGo(work: Work, why: string): Step[] {
  const steps: Step[] = []
  if (!hasEnded(work)) {
    const place = coordinatesOf(work)
    const entry = { name: 'work.ended', ...place, ending: 'passed-over', attempt: work.attempts, why } as const
    steps.push({ kind: 'end', work }, { kind: 'wake', work, atMs: undefined }, { kind: 'note', entry })
    // What the app reports about it from here on contradicts that.
    work.state = { name: 'failed' }
  }
  work.record = undefined
  work.callOut = false
  work.settled = true
  steps.push({ kind: 'let-pass', work }, { kind: 'settle', work, ending: 'passed-over' }, { kind: 'forget', work })
  return steps
}
