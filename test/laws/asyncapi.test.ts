/**
 * asyncapi.yaml is what the bridge takes from Kafka and writes to it: its examples, what XZepr publishes, what the reader
 * takes for a message, and the headers of dead letters.
 */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { defaultText } from '../../src/config/variable.ts'
import { ALL_VARIABLES } from '../../src/config/variables.ts'
import type { DeadLetter, LeftOut } from '../../src/core/dead-letter.ts'
import { DEAD_LETTER_REASONS, letterHeaders, readLetter } from '../../src/core/dead-letter.ts'
import { readMessage } from '../../src/core/message.ts'
import type { KafkaRecord, RecordHeader } from '../../src/core/record.ts'
import { encodings } from '../../src/webhook/encodings.ts'
import { anyRecord } from '../support/any-record.ts'
import { recordOf } from '../support/books.ts'
import type { Node } from '../support/documents.ts'
import { asyncapi, at, membersAt, schemaNamed, unsound } from '../support/documents.ts'
import { message, running, TOPIC } from '../support/running.ts'

const messages = membersAt(asyncapi, 'components', 'messages')

/** Headers as the document writes them: text, and of a name that comes twice the last. */
function textOf(headers: readonly RecordHeader[]): Record<string, string> {
  const texts = headers.map(({ name, value }) => [name, value && encodings.decodeUtf8(value)] as const)
  return Object.fromEntries(texts.filter((pair): pair is [string, string] => typeof pair[1] === 'string'))
}

function jsonOf({ value }: KafkaRecord): unknown {
  return JSON.parse(new TextDecoder().decode(value ?? new Uint8Array()))
}

void t.test('every example is sound by its message', async (t) => {
  for (const [name, each] of Object.entries(messages)) {
    const { headers, payload, examples } = membersAt(each)
    const all = examples as Node[]
    t.ok(all.length > 0, `${name} has one`)
    for (const example of all) {
      t.strictSame(unsound(headers, example.headers ?? {}), [], `${name}, headers`)
      t.strictSame(unsound(payload, example.payload), [], `${name}, payload`)
    }
  }
})

void t.test('what XZepr publishes is the message xzepr, its reports of works and receivers too', async (t) => {
  const { log, until } = await running(t)
  log.append(TOPIC, message('a'))
  await until('report.stored', 2)
  const published = log.records(TOPIC).filter(({ key }) => Buffer.from(key ?? '').toString() !== 'a')
  const types = published.map((record) => String(at(jsonOf(record), 'type')))
  t.strictSame(types.sort(), ['svc.completed', 'svc.started', 'xzepr.event.receiver.created'])
  const { payload, bindings } = membersAt(messages.Xzepr)
  for (const record of published) {
    const value = jsonOf(record)
    t.strictSame(unsound(payload, value), [])
    t.strictSame(record.headers, [])
    const key = Buffer.from(record.key ?? '').toString()
    t.strictSame(unsound(at(bindings, 'kafka', 'key'), key), [])
    t.equal(key, at(value, 'id'), 'the key is the event’s id')
  }
})

void t.test('whatever the reader takes is a message of the document', async (t) => {
  const counts = { json: 0, binary: 0 }
  const { headers } = membersAt(messages.Binary)
  fc.assert(
    fc.property(anyRecord, (record) => {
      const reading = readMessage(record, encodings.decodeUtf8)
      if (reading.kind !== 'message') return
      const { mode } = reading.message
      counts[mode] += 1
      const names = Object.entries(textOf(record.headers)).map(([name, text]) => [name.toLowerCase(), text])
      const wrong =
        mode === 'json' ? unsound(schemaNamed('Message'), jsonOf(record)) : unsound(headers, Object.fromEntries(names))
      if (wrong.length > 0) throw new Error(`${mode}: ${wrong.join('; ')}`)
    }),
    { numRuns: 500 },
  )
  t.ok(counts.json > 50 && counts.binary > 50, JSON.stringify(counts))
})

void t.test('the reader takes each example, in the mode that it stands for', async (t) => {
  for (const [name, mode] of [
    ['Xzepr', 'json'],
    ['Structured', 'json'],
    ['Binary', 'binary'],
  ] as const) {
    for (const example of (membersAt(messages[name]).examples ?? []) as Node[]) {
      const headers = Object.entries(membersAt(example.headers)).map(([header, text]) => ({
        name: header,
        value: Buffer.from(String(text)),
      }))
      const record = recordOf({ headers, value: Buffer.from(JSON.stringify(example.payload)) })
      t.match(readMessage(record, encodings.decodeUtf8), { kind: 'message', message: { mode } }, name)
    }
  }
})

function letterOf(reason: DeadLetter['reason'], answer: string | undefined, leftOut?: LeftOut): Record<string, string> {
  const letter = { record: recordOf({ offset: 2n ** 60n, timestampMs: -1 }), reason, error: 'no', attempts: 0, answer }
  return textOf(letterHeaders(letter, { group: 'g', atMs: 0, leftOut }))
}

void t.test('the headers of a dead letter are those of the document', async (t) => {
  const { headers, examples } = membersAt(messages.DeadLetter)
  const { properties, required } = membersAt(headers)
  t.strictSame(Object.keys(membersAt(properties)).sort(), Object.keys(letterOf('poison', 'HTTP 422', 'all')).sort())
  t.strictSame([...(required as string[])].sort(), Object.keys(letterOf('poison', undefined)).sort())
  t.strictSame(at(properties, 'dead-letter-reason', 'enum'), DEAD_LETTER_REASONS)
  for (const reason of DEAD_LETTER_REASONS) {
    for (const leftOut of [undefined, 'value', 'all'] as const) {
      t.strictSame(unsound(headers, letterOf(reason, 'HTTP 422', leftOut)), [], `${reason} ${String(leftOut)}`)
    }
  }
  for (const example of examples as Node[]) {
    const texts = Object.entries(membersAt(example.headers))
    const record = recordOf({ headers: texts.map(([name, text]) => ({ name, value: Buffer.from(String(text)) })) })
    t.match(readLetter(record, encodings.decodeUtf8), { kind: 'letter' })
  }
})

void t.test('topic, group and ways to sign in are those of the variables', async (t) => {
  const text = (name: string): string => {
    const variable = ALL_VARIABLES.get(name)
    return variable === undefined ? name : String(defaultText(variable))
  }
  t.equal(at(asyncapi, 'channels', 'events', 'parameters', 'topic', 'default'), text('XZEPR_KAFKA_TOPIC'))
  const group = String(at(asyncapi, 'operations', 'takeEvent', 'bindings', 'kafka', 'groupId', 'description'))
  t.ok(group.includes(text('XZEPR_KAFKA_GROUP_ID')), group)
  const ways = Object.values(membersAt(asyncapi, 'components', 'securitySchemes'))
  const said = ways.flatMap((way) => /MECHANISM=([A-Z0-9-]+)/.exec(String(at(way, 'description')))?.[1] ?? [])
  const { schema } = membersAt(ALL_VARIABLES.get('XZEPR_KAFKA_SASL_MECHANISM'))
  t.strictSame(said.sort(), [...(membersAt(schema).enum as string[])].sort())
})

void t.test('every variable that a document names is one, and both have the version of the package', async (t) => {
  const root = new URL('../../', import.meta.url)
  for (const name of ['openapi.yaml', 'asyncapi.yaml']) {
    const names = readFileSync(new URL(name, root), 'utf8').match(/\b(?:BRIDGE|XZEPR)_[A-Z_]*[A-Z]/g) ?? []
    t.ok(names.length > 5)
    t.strictSame(
      names.filter((each) => !ALL_VARIABLES.has(each)),
      [],
      name,
    )
  }
  const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as Node
  t.equal(at(asyncapi, 'info', 'version'), version)
})
