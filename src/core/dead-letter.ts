/**
 * Dead letters: records that came to nothing, with what is known about why.
 *
 * A letter holds the original key, value and headers; what is known beside them travels in headers of its own, so that
 * a reader needs nothing else, and `xzepr-bridge replay` can send the event through the webhook again. The offset moves
 * only when the letter is written.
 */
import type { KafkaRecord } from './record.ts'

/**
 * `poison`: it cannot be read. `rejected`: the app answered never. `attempts-spent`, `lease-expired`: the last attempt
 * failed, or stayed silent. `report-refused`: XZepr will not have a report about it; the work itself has ended.
 */
export type DeadLetterReason = 'poison' | 'rejected' | 'attempts-spent' | 'lease-expired' | 'report-refused'

export interface DeadLetter {
  readonly record: KafkaRecord
  readonly reason: DeadLetterReason
  /** A sentence for the operator. */
  readonly error: string
  /** Attempts made; 0 where it was never sent. */
  readonly attempts: number
  /** The app's last answer, such as `HTTP 422`; undefined where there was none. */
  readonly answer: string | undefined
}
