/**
 * The intake: what a record is to the bridge.
 *
 *   decode ─▶ filter ─▶ lane            an event for the app, and the lane in which it must stay in order
 *     │         └─ refused              passed over: it would be refused again
 *     ├─ a tombstone                    passed over
 *     └─ cannot be read                 poison
 */
import type { EventFacts } from './delivery.ts'
import { eventFacts } from './delivery.ts'
import type { Filter, OwnReport } from './filter.ts'
import { ownReport } from './filter.ts'
import type { Order } from './line.ts'
import { orderLane } from './line.ts'
import type { DecodeUtf8 } from './message.ts'
import { readMessage } from './message.ts'
import type { KafkaRecord } from './record.ts'

export type Intake =
  | { readonly kind: 'event'; readonly event: EventFacts; readonly lane: string | undefined }
  | {
      readonly kind: 'passed-over' | 'poison'
      readonly why: string
      /** It is a report of ours, come round. */
      readonly report?: OwnReport | undefined
    }

export interface IntakeOptions {
  readonly decodeUtf8: DecodeUtf8
  readonly filter: Filter
  readonly group: string
  readonly order: Order
  /** Makes the ids of a trace that begins here. */
  readonly chance: () => number
}

/** @param receiverId our receiver's in XZepr, once it is known. */
export function takeIn(
  record: KafkaRecord,
  { decodeUtf8, filter, group, order, chance }: IntakeOptions,
  receiverId: string | undefined,
): Intake {
  const reading = readMessage(record, decodeUtf8)
  switch (reading.kind) {
    case 'tombstone':
      return { kind: 'passed-over', why: 'it is a tombstone' }
    case 'poison':
      return { kind: 'poison', why: reading.why }
    case 'message': {
      const { message } = reading
      const refusal = filter(message, receiverId)
      if (refusal !== undefined) {
        return { kind: 'passed-over', why: refusal, report: ownReport(message, receiverId, group) }
      }
      return { kind: 'event', event: eventFacts(record, message, chance), lane: orderLane(order, record) }
    }
  }
}
