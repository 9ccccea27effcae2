/**
 * What docs/reference/downstream_consumer_api.md shows and the bridge has made: one record in every format, and what XZepr is
 * told about its work.
 */
import { deliveryOf, eventFacts } from '../../src/core/delivery.ts'
import { FAILURES } from '../../src/core/ending.ts'
import type { LifecycleStatus } from '../../src/core/lifecycle.ts'
import { lifecycleBody, lifecycleEvent } from '../../src/core/lifecycle.ts'
import { readMessage } from '../../src/core/message.ts'
import { failureDetails } from '../../src/core/work.ts'
import { writeJson } from '../../src/dev/xzepr-json.ts'
import { messageValue } from '../../src/dev/xzepr-message.ts'
import { encodings } from '../../src/webhook/encodings.ts'
import { factsFor, FORMATS } from '../vectors/vectors.ts'
import { recordOf } from './books.ts'

const ID = '01M847HRZSMFZDV1KG79EPM357'
const RECEIVER = '01M847HQ2BCF2FQ8EJCSJ07QCY'

/** As XZepr writes it, with little in `data`. */
const VALUE = {
  ...{ success: true, id: ID, specversion: '1.0.1', type: 'deployment.success' },
  ...{ source: `xzepr.event.receiver.${RECEIVER}`, api_version: 'v1', name: 'deployment.success', version: '1.2.3' },
  ...{ release: '2026.11', platform_id: 'linux', package: 'web', data: { events: [{ id: ID }] } },
}

const RECORD = recordOf({
  ...{ partition: 2, offset: 41n, timestampMs: Date.UTC(2026, 10, 23, 12, 54, 30, 137) },
  key: Buffer.from(ID),
  value: Buffer.from(JSON.stringify(VALUE)),
  headers: [{ name: 'traceparent', value: Buffer.from('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01') }],
})

/** The record as `POST` requests, one block for each format. */
export function deliveryBlocks(): string {
  const reading = readMessage(RECORD, encodings.decodeUtf8)
  if (reading.kind !== 'message') throw new Error('the example is no message')
  const event = eventFacts(RECORD, reading.message, () => 0)
  return FORMATS.map((format) => {
    const { headers, body } = deliveryOf(factsFor(format), [{ record: RECORD, event, attempt: 1 }])
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
    const request = ['POST /events HTTP/1.1', ...lines, '', Buffer.from(body).toString()]
    return [`\`${format}\`:`, '', '```http', ...request, '```'].join('\n')
  }).join('\n\n')
}

const IDENTITY = {
  group: 'xzepr-consumer-deployer',
  package: 'deployer',
  workName: 'deployer',
  workVersion: '1.0.0',
}
const WORK = { id: ID, type: 'deployment.success', platformId: 'linux', name: undefined, version: undefined }
const AT_MS = Date.UTC(2026, 10, 23, 12, 55, 2)

/** The body that XZepr is sent. */
export function lifecycleText(status: LifecycleStatus, details: Parameters<typeof lifecycleEvent>[3]): string {
  return lifecycleBody(lifecycleEvent(IDENTITY, WORK, { status, atMs: AT_MS }, details), RECEIVER)
}

const COMPLETED = new Map([
  ['url', '"https://deploy.example/42"'],
  ['build', '9007199254740993'],
])
const FAILED = failureDetails({
  details: new Map(),
  error: '10 attempts are spent; the last one: HTTP 503',
  errorCode: FAILURES['attempts-spent'],
})

/** Everything that may be in what XZepr is told, by status. */
export const TOLD: Readonly<Record<LifecycleStatus, string>> = {
  started: lifecycleText('started', new Map()),
  completed: lifecycleText('completed', COMPLETED),
  failed: lifecycleText('failed', FAILED),
}

/** What XZepr makes of a body and puts on Kafka. */
export function published(text: string): string {
  const { payload, ...event } = JSON.parse(text) as Record<string, string> & { success: boolean; payload: object }
  return messageValue({
    id: '01M847JR0Q4M2B8E6Z9V1C3D5F',
    name: event.name ?? '',
    version: event.version ?? '',
    release: event.release ?? '',
    platformId: event.platform_id ?? '',
    package: event.package ?? '',
    description: event.description ?? '',
    payload: writeJson(payload),
    success: event.success,
    receiverId: RECEIVER,
    ownerId: '01M847EM8NHNJ6Z68G7PRA7Z92',
    createdAt: '2026-11-23T12:55:02.117740084Z',
  })
}

/** JSON with line breaks between members, its numbers as they are. */
function spread(text: string): string {
  const strings: string[] = []
  const digits = text.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) => `"${strings.push(token) - 1}"`)
  return JSON.stringify(JSON.parse(digits), null, 2).replace(/"(\d+)"/g, (_, at: string) => strings[Number(at)] ?? '')
}

/** What XZepr is told at the end of a work, at a failure that the bridge reports, and what comes of the former on Kafka. */
export function lifecycleBlocks(): string {
  const block = (text: string): string[] => ['```json', spread(text), '```', '']
  return [
    ...['The app reported `completed`:', '', ...block(TOLD.completed)],
    ...['The bridge reports that the attempts are spent:', '', ...block(TOLD.failed)],
    ...['What XZepr makes of the second, and publishes for others:', '', ...block(published(TOLD.failed))],
  ]
    .join('\n')
    .trimEnd()
}
