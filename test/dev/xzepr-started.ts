/**
 * A stand-in started for one test, on a virtual clock, with what it published and a way to call it.
 *
 * Bodies go as bytes, because fetch gives text a content type of its own.
 */
import fc from 'fast-check'
import type { Clock } from '../../src/core/seams.ts'
import type { XzeprRecord } from '../../src/dev/xzepr-publisher.ts'
import type { XzeprStandInOptions } from '../../src/dev/xzepr-stand-in.ts'
import { XzeprStandIn } from '../../src/dev/xzepr-stand-in.ts'
import { VirtualClock } from '../support/clock.ts'

export const ALICE = '01M847EM8NHNJ6Z68G7PRA7Z92'
export const BOB = '01M847EM8NHNJ6Z68G7PRA7Z93'

/** Characters that JSON, UTF-8 and UTF-16 each treat in a way of their own. */
export const UNIT = fc.constantFrom('a', '0', '"', '\\', '/', '\u0001', '\u007f', 'é', '\u2028', '\ufffd', '\u{1f600}')

export interface Asked {
  readonly sub?: string
  /** Sent as it is; undefined sends none, absent mints one for `sub`. */
  readonly authorization?: string | undefined
  readonly body?: string | Uint8Array
  readonly contentType?: string | undefined
}

export interface Heard {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

export interface Started {
  readonly standIn: XzeprStandIn
  readonly clock: VirtualClock
  readonly published: XzeprRecord[]
  readonly call: (method: string, path: string, asked?: Asked) => Promise<Heard>
  /** Makes a receiver of Alice's, unless told whose. @returns its id. */
  readonly receiver: (name?: string, sub?: string) => Promise<string>
}

export async function started(
  t: { teardown(what: () => Promise<void>): unknown },
  options: Partial<Omit<XzeprStandInOptions, 'clock'>> & { readonly clock?: VirtualClock } = {},
): Promise<Started> {
  const clock = options.clock ?? new VirtualClock()
  const published: XzeprRecord[] = []
  const standIn = new XzeprStandIn({
    publish: async (record) => void published.push(record),
    rateLimits: 'off',
    ...options,
    clock: clock satisfies Clock,
  })
  await standIn.start()
  t.teardown(() => standIn.stop())

  const call = async (method: string, path: string, asked: Asked = {}): Promise<Heard> => {
    const headers: Record<string, string> = {}
    const authorization =
      'authorization' in asked ? asked.authorization : `Bearer ${standIn.token({ sub: asked.sub ?? ALICE })}`
    if (authorization !== undefined) headers.authorization = authorization
    const contentType = 'contentType' in asked ? asked.contentType : 'application/json'
    if (contentType !== undefined && asked.body !== undefined) headers['content-type'] = contentType
    const body = typeof asked.body === 'string' ? new TextEncoder().encode(asked.body) : asked.body
    const response = await fetch(standIn.url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
    })
    return { status: response.status, headers: response.headers, body: await response.text() }
  }

  const receiver = async (name = 'deployer-receiver', sub = ALICE): Promise<string> => {
    const heard = await call('POST', '/api/v1/receivers', { sub, body: receiverBody({ name }) })
    return data(heard)
  }
  return { standIn, clock, published, call, receiver }
}

/** The id in a `{"data": …}`. */
export function data(heard: Heard): string {
  return (JSON.parse(heard.body) as { data: string }).data
}

/** A good body of `POST /api/v1/receivers`, but for what is given. */
export function receiverBody(but: Readonly<Record<string, unknown>> = {}): string {
  const good = { name: 'deployer-receiver', type: 'worker', version: '1.0.0', description: 'of the tests', schema: {} }
  return JSON.stringify({ ...good, ...but })
}

/** A good body of `POST /api/v1/events`, but for what is given. @param payload JSON text. */
export function eventBody(
  receiverId: string,
  but: Readonly<Record<string, unknown>> = {},
  payload = '{"a":1}',
): string {
  const good = {
    name: 'bridge.webhook.delivered',
    version: '1.2.3',
    release: '2026.11',
    platform_id: 'x86_64-oci-linux-2',
    package: 'docker',
    description: 'd é',
    payload: 'PAYLOAD',
    success: true,
    event_receiver_id: receiverId,
  }
  return JSON.stringify({ ...good, ...but }).replace('"PAYLOAD"', payload)
}
