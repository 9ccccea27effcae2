/**
 * The golden vectors: for each record what the app gets in every format, to the byte.
 *
 * `record` and `event` (what any reader of CloudEvents must find) are written by hand; `deliveries` by
 * `TAP_SNAPSHOT=1 npx tap --disable-coverage test/vectors/vectors.test.ts`, and looked at by whoever commits them.
 */
import { readFileSync, readdirSync } from 'node:fs'
import type { DeliveryFacts, Format, Parcel } from '../../src/core/delivery.ts'
import { deliveryOf, eventFacts } from '../../src/core/delivery.ts'
import { readMessage } from '../../src/core/message.ts'
import type { Delivery } from '../../src/core/seams.ts'
import { encodings } from '../../src/webhook/encodings.ts'
import { recordOf } from '../support/books.ts'

/** Bytes as a person can read them. */
export type Written = { readonly text: string } | { readonly base64: string }

export interface Sent {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Written
  /** What a signature covers beside time and body. */
  readonly id: string
}

export interface Vector {
  readonly what: string
  readonly record: {
    readonly topic: string
    readonly partition: number
    readonly offset: string
    readonly timestampMs: number
    readonly key: Written | null
    readonly value: Written | null
    readonly headers: readonly (readonly [string, string])[]
  }
  readonly event: {
    readonly attributes: Readonly<Record<string, string | number | boolean>>
    readonly data?: { readonly json: string } | Written
  }
  readonly deliveries: Readonly<Partial<Record<Format, Sent>>>
}

export const FORMATS = ['verbatim', 'structured', 'binary', 'batch'] as const satisfies readonly Format[]

const HERE = new URL('./', import.meta.url)

export const fileOf = (name: string): URL => new URL(`${name}.json`, HERE)

/** By the names of their files. */
export const VECTORS: ReadonlyMap<string, Vector> = new Map(
  readdirSync(HERE)
    .filter((file) => file.endsWith('.json') && file !== 'signatures.json')
    .sort()
    .map((file) => [file.slice(0, -5), JSON.parse(readFileSync(new URL(file, HERE), 'utf8')) as Vector]),
)

export function bytesOf(written: Written): Buffer {
  return 'text' in written ? Buffer.from(written.text) : Buffer.from(written.base64, 'base64')
}

export function written(bytes: Uint8Array): Written {
  const text = encodings.decodeUtf8(bytes)
  return text === undefined ? { base64: encodings.encodeBase64(bytes) } : { text }
}

export function factsFor(format: Format): DeliveryFacts {
  return { format, group: 'xzepr-consumer-deployer', attemptsMax: 10, encodings }
}

/** A vector's record at its third attempt. */
export function parcelOf({ record: { key, value, headers, offset, ...where } }: Vector): Parcel {
  const record = recordOf({
    ...where,
    offset: BigInt(offset),
    key: key && bytesOf(key),
    value: value && bytesOf(value),
    headers: headers.map(([name, text]) => ({ name, value: Buffer.from(text) })),
  })
  const reading = readMessage(record, encodings.decodeUtf8)
  if (reading.kind !== 'message') throw new Error(`no message: ${JSON.stringify(reading)}`)
  return { record, event: eventFacts(record, reading.message, () => 0.5), attempt: 3 }
}

export function deliver(format: Format, vector: Vector): Delivery {
  return deliveryOf(factsFor(format), [parcelOf(vector)])
}

export function sent({ headers, body, id }: Delivery): Sent {
  return { headers, body: written(body), id }
}
