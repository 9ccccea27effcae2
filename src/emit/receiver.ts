/**
 * The receiver that emitted events belong to: found in XZepr's list, or made.
 *
 * XZepr wants one for every event and lets a user post for their own alone. Two emits that race may both make one; the
 * smallest id of those that match is taken, as the bridge does with its own.
 */
import { ReceiverList } from '../core/receiver.ts'
import type { Clock } from '../core/seams.ts'
import type { XzeprAnswer } from '../core/xzepr-answer.ts'
import { xzeprAnswer } from '../core/xzepr-answer.ts'
import type { XzeprClient } from '../xzepr/client.ts'

export const EMIT_RECEIVER = {
  name: 'xzepr-bridge-emit',
  type: 'emit',
  version: '1.0.0',
  description: 'Events sent with xzepr-bridge emit',
} as const

export type Receiving =
  | { readonly kind: 'receiver'; readonly id: string }
  | { readonly kind: 'refused'; readonly answer: Exclude<XzeprAnswer, { readonly kind: 'stored' }> }

export async function emitReceiver(client: XzeprClient, clock: Clock): Promise<Receiving> {
  const listed = await look(client, clock)
  if (listed !== undefined) return listed
  const answer = xzeprAnswer(await client.createReceiver(EMIT_RECEIVER), clock.nowMs())
  if (answer.kind === 'stored') return { kind: 'receiver', id: answer.id }
  // Somebody may have made it meanwhile: XZepr says so with the same words as for any failure.
  return (await look(client, clock)) ?? { kind: 'refused', answer }
}

/** @returns undefined when it is not on the list. */
async function look(client: XzeprClient, clock: Clock): Promise<Receiving | undefined> {
  const list = new ReceiverList(EMIT_RECEIVER)
  for (let page = list.page; page !== undefined; page = list.page) {
    const exchange = await client.listReceivers(page.limit, page.offset)
    if (exchange.kind !== 'response' || exchange.status !== 200) {
      const answer = xzeprAnswer(exchange, clock.nowMs())
      if (answer.kind === 'stored') break
      return { kind: 'refused', answer }
    }
    const why = list.read(exchange.body)
    if (why !== undefined) return { kind: 'refused', answer: { kind: 'failing', why } }
  }
  return list.ours === undefined ? undefined : { kind: 'receiver', id: list.ours }
}
