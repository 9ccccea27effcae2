/**
 * The event that is measured with: XZepr's JSON, padded to a size, made from its number.
 *
 * It carries the instant at which it was handed to Kafka on the clock that all processes of a machine share, and a
 * mark where the app is to treat it in another way than its neighbours.
 */
import { messageValue } from '../dist/dev/xzepr-message.js'

export const EVENT_BYTES = 1024

/** What the app looks for in a value. */
export const SENT_AT = '"sent_at_ns":"'
export const MARKED = '"marked":true'

/** As many characters as a ULID has. */
export const eventId = (number: number): string => `01BENCH${String(number).padStart(19, '0')}`

/** Nanoseconds of the machine's monotonic clock, in as many characters for every instant of its first century. */
export const instantNs = (): string => String(process.hrtime.bigint()).padStart(19, '0')

/** @returns a Kafka value of EVENT_BYTES. */
export function eventValue(number: number, marked = false): string {
  const value = (description: string): string =>
    messageValue({
      id: eventId(number),
      name: 'build.done',
      version: '1.2.3',
      release: '2026.11',
      platformId: 'x86_64-oci-linux-2',
      package: 'docker',
      description,
      payload: `{"marked":${marked},"sent_at_ns":"${instantNs()}"}`,
      success: true,
      receiverId: '01M847HQ2BCF2FQ8EJCSJ07QCY',
      ownerId: '01M847EM8NHNJ6Z68G7PRA7Z92',
      createdAt: '2026-11-23T12:54:30.137740084Z',
    })
  return value('x'.repeat(EVENT_BYTES - value('').length))
}
