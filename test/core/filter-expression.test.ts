import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { FILTER_MAX_CHARS, FILTER_MAX_DEPTH, compileFilter } from '../../src/core/filter-expression.ts'
import type { Message } from '../../src/core/message.ts'
import { readMessage } from '../../src/core/message.ts'
import { anyText } from '../support/any-text.ts'
import { recordOf } from '../support/books.ts'

function read(value: string, headers: Readonly<Record<string, string>> = {}): Message {
  const bytes = Object.entries(headers).map(([name, text]) => ({ name, value: Buffer.from(text) }))
  const record = recordOf({ value: Buffer.from(value), headers: bytes })
  const reading = readMessage(record, (each) => Buffer.from(each).toString())
  if (reading.kind !== 'message') throw new Error('not a message')
  return reading.message
}

const event = (attributes: Readonly<Record<string, unknown>>): Message =>
  read(JSON.stringify({ specversion: '1.0', id: '1', type: 't', source: 's', ...attributes }))

function test(filter: unknown, message: Message): boolean {
  const reading = compileFilter(JSON.stringify(filter))
  if (reading.kind === 'wrong') throw new Error(reading.why)
  return reading.test(message)
}

function why(filter: unknown): string | undefined {
  const reading = compileFilter(typeof filter === 'string' ? filter : JSON.stringify(filter))
  return reading.kind === 'wrong' ? reading.why : undefined
}

/** An event of XZepr as its production server writes it. */
const XZEPR = {
  success: true,
  id: '01M847HRZSMFZDV1KG79EPM357',
  specversion: '1.0.1',
  type: 'deployment.success',
  source: 'xzepr.event.receiver.01M847HQ2BCF2FQ8EJCSJ07QCY',
  api_version: 'v1',
  name: 'deployment.success',
  version: '1.2.3',
  release: '2026.11',
  platform_id: 'x86_64-oci-linux-2',
  package: 'docker',
  data: { events: [], event_receivers: [], event_receiver_groups: [] },
}

const PUSH = { type: 'com.github.push', subject: 'https://github.com/cloudevents/spec' }

/** The examples of the Subscriptions API, section 3.2.4.1.1, with what they are true for and what not. */
const EXAMPLES: readonly [filter: unknown, yes: readonly object[], no: readonly object[]][] = [
  [
    { exact: PUSH },
    [PUSH],
    [
      { type: PUSH.type },
      { ...PUSH, type: 'com.github.Push' },
      { ...PUSH, type: 'com.github.pushed' },
      { ...PUSH, subject: `${PUSH.subject}/` },
    ],
  ],
  [
    { prefix: { type: 'com.github.', subject: 'https://github.com/cloudevents' } },
    [PUSH, { type: 'com.github.', subject: 'https://github.com/cloudevents' }],
    [{ type: PUSH.type }, { ...PUSH, type: 'com.github' }, { ...PUSH, subject: 'x https://github.com/cloudevents' }],
  ],
  [
    { suffix: { type: '.created', subject: '/cloudevents/spec' } },
    [{ type: 'issue.created', subject: PUSH.subject }],
    [{ type: 'issue.created' }, { type: 'created', subject: PUSH.subject }, PUSH],
  ],
  [
    { all: [{ exact: { type: PUSH.type } }, { exact: { subject: PUSH.subject } }] },
    [PUSH],
    [{ type: PUSH.type }, { subject: PUSH.subject }],
  ],
  [
    { any: [{ exact: { type: PUSH.type } }, { exact: { subject: PUSH.subject } }] },
    [PUSH, { type: PUSH.type }, { subject: PUSH.subject }],
    [{ type: 'x', subject: 'x' }],
  ],
  [{ not: { exact: { type: PUSH.type } } }, [{ type: 'x' }], [PUSH]],
  [[{ prefix: { type: 'com.github.issue' } }], [{ type: 'com.github.issue.opened' }], [PUSH]],
]

for (const [filter, yes, no] of EXAMPLES) {
  void t.test(`the example of the specification: ${JSON.stringify(filter)}`, async (t) => {
    for (const attributes of yes) t.equal(test(filter, event({ ...attributes })), true, JSON.stringify(attributes))
    for (const attributes of no) t.equal(test(filter, event({ ...attributes })), false, JSON.stringify(attributes))
  })
}

void t.test('the README’s filters are filters', async (t) => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const examples = [...readme.matchAll(/`BRIDGE_FILTER='([^`]+)'`/g)].map(([, json = '']) => json)
  t.ok(examples.length >= 4)
  for (const json of examples) t.equal(why(json), undefined, json)
})

void t.test('an array of filters stands for all of them, and of none everything passes', async (t) => {
  const both = [{ exact: { type: 'a' } }, { exact: { source: 'b' } }]
  t.equal(test(both, event({ type: 'a', source: 'b' })), true)
  t.equal(test(both, event({ type: 'a', source: 'c' })), false)
  t.equal(test([], event({})), true)
})

void t.test('an attribute that is not there does not match, in whatever dialect', async (t) => {
  for (const dialect of ['exact', 'prefix', 'suffix']) {
    t.equal(test({ [dialect]: { subject: 'x' } }, event({})), false)
    t.equal(test({ [dialect]: { subject: 'null' } }, event({ subject: null })), false, 'null is not set')
    t.equal(test({ not: { [dialect]: { subject: 'x' } } }, event({})), true)
    for (const inherited of ['constructor', 'hasOwnProperty', 'tostring', '__proto__']) {
      const name = JSON.stringify(inherited.toLowerCase())
      const reading = compileFilter(`{"${dialect}":{${name}:"function"}}`)
      t.equal(reading.kind === 'filter' && reading.test(event({})), false, inherited)
    }
  }
})

void t.test('a value is compared in its canonical text', async (t) => {
  const given = event({ success: true, off: false, count: 42, below: -7, text: '42', list: ['a'], inside: { a: 1 } })
  for (const [name, text] of Object.entries({ success: 'true', off: 'false', count: '42', below: '-7', text: '42' })) {
    t.equal(test({ exact: { [name]: text } }, given), true, name)
  }
  t.equal(test({ prefix: { list: '[' } }, given), false, 'what is no attribute does not match')
  t.equal(test({ prefix: { inside: '{' } }, given), false)
})

void t.test('XZepr’s fields answer to their own names and to those that the app sees', async (t) => {
  const message = read(JSON.stringify(XZEPR))
  for (const [name, value] of Object.entries(XZEPR)) {
    if (typeof value !== 'object') t.equal(test({ exact: { [name]: String(value) } }, message), true, name)
  }
  t.equal(test({ exact: { apiversion: 'v1', platformid: 'x86_64-oci-linux-2' } }, message), true)
  t.equal(test({ exact: { apiversion: 'v2' } }, message), false)
  const carried = event({ platformid: 'kubernetes' })
  t.equal(test({ exact: { platform_id: 'kubernetes' } }, carried), true, 'also of a CloudEvent that has the other')
  const both = event({ platform_id: 'own', platformid: 'plain', Sub_Ject: 'x' })
  t.equal(test({ exact: { platform_id: 'own', platformid: 'plain' } }, both), true, 'a name as it stands wins')
  t.equal(test({ exact: { subject: 'x' } }, both), false, 'no other field stands for what CloudEvents defines')
})

void t.test('an event in binary mode has the attributes of its headers', async (t) => {
  const headers = { ce_specversion: '1.0', ce_id: '1', ce_type: 'a', ce_source: 's', ce_platformid: 'k8s' }
  const message = read('{"type":"b"}', { ...headers, 'content-type': 'application/json' })
  t.equal(test({ exact: { type: 'a', platformid: 'k8s', datacontenttype: 'application/json' } }, message), true)
  t.equal(test({ exact: { platform_id: 'k8s' } }, message), true)
  t.equal(test({ exact: { type: 'b' } }, message), false)
})

void t.test('a filter that is wrong is told with its place', async (t) => {
  const exact = { exact: { type: 'a' } }
  const only = 'must hold exactly one dialect; {"all":[…]} takes several filters together'
  const some = 'must be an object with one attribute or more, such as {"type":"deployment.success"}'
  const whole = 'must be a filter, such as {"exact":{"type":"deployment.success"}}'
  const text = 'must be a text that is not empty, in quotes'
  const several = 'must be an array of one filter or more'
  const name = 'is no name of an attribute; those are made of lower-case letters and digits'
  for (const [filter, said] of [
    ['', 'must be JSON'],
    ['{', /^must be JSON, and is none from character \d+ on$|^must be JSON$/],
    ['{"exact":{"type":"a"}}\u0000', 'must be JSON, and is none from character 23 on'],
    ['null', whole],
    ['"type"', whole],
    ['7', whole],
    [{}, only],
    [{ ...exact, prefix: { type: 'b' } }, only],
    [[exact, {}], `/1: ${only}`],
    [[exact, [exact]], `/1: ${whole}`],
    [{ sql: 'TRUE' }, '/sql: is no dialect of the bridge; those are exact, prefix, suffix, all, any, not'],
    [{ Exact: {} }, '/Exact: is no dialect of the bridge; those are exact, prefix, suffix, all, any, not'],
    [{ exact: {} }, `/exact: ${some}`],
    [{ exact: [] }, `/exact: ${some}`],
    [{ exact: 'type' }, `/exact: ${some}`],
    [{ exact: { type: '' } }, `/exact/type: ${text}`],
    [{ exact: { '': 'a' } }, `/exact/: ${name}`],
    [{ suffix: { success: true } }, `/suffix/success: ${text}`],
    [{ suffix: { type: ['a'] } }, `/suffix/type: ${text}`],
    [{ prefix: { platformID: 'a' } }, `/prefix/platformID: ${name}`],
    [{ prefix: { 'a/b~\u202e\n': 'a' } }, `/prefix/a~1b~0??: ${name}`],
    [{ prefix: { data: 'a' } }, '/prefix/data: is no attribute; a filter does not see the data'],
    [{ all: [] }, `/all: ${several}`],
    [{ any: exact }, `/any: ${several}`],
    [{ not: [exact] }, `/not: ${whole}`],
    [{ all: [exact, { any: [exact, { not: { prefix: {} } }] }] }, `/all/1/any/1/not/prefix: ${some}`],
    ['{"exact":{"type":"a","type":"b"}}', 'must not name a member twice in one object'],
    ['{"not":{"exact":{"type":"a"}}, "not" :{"exact":{"type":"b"}}}', 'must not name a member twice in one object'],
    [' '.repeat(FILTER_MAX_CHARS + 1), `must be at most ${FILTER_MAX_CHARS} characters long`],
  ] as const) {
    const given = why(filter)
    const shown = JSON.stringify(filter)
      .slice(0, 70)
      .replace(/[^ -~]/g, '?')
    if (typeof said === 'string') t.equal(given, said, shown)
    else t.match(given, said, shown)
  }
  t.equal(why('{"exact":{"type":"\\"type\\":"}}'), undefined, 'a name inside a text is none')
})

void t.test(`a filter may lie ${FILTER_MAX_DEPTH} deep, and what lies deeper is refused whatever it is`, async (t) => {
  const deep = (depth: number): string => `${'{"not":'.repeat(depth)}{"exact":{"type":"t"}}${'}'.repeat(depth)}`
  const reading = compileFilter(deep(FILTER_MAX_DEPTH))
  t.equal(reading.kind === 'filter' && reading.test(event({})), FILTER_MAX_DEPTH % 2 === 0)
  t.match(why(deep(FILTER_MAX_DEPTH + 1)), /^(\/not)+: must not lie more than 32 filters deep$/)
  t.match(why('{"all":['.repeat(5000)), /^must be JSON/)
  t.match(why(`${'{"all":['.repeat(5000)}{}${']}'.repeat(5000)}`), /32 filters deep$/)
  t.match(why('['.repeat(30_000) + ']'.repeat(30_000)), /^\/0: must be a filter/)
})

const attributes = fc.constantFrom('type', 'source', 'subject', 'success', 'name')
const words = fc.constantFrom('a', 'b', 'ab', 'ba', 'true')
const leaf = fc
  .tuple(fc.constantFrom('exact', 'prefix', 'suffix'), fc.dictionary(attributes, words, { minKeys: 1, maxKeys: 2 }))
  .map(([dialect, wanted]) => ({ [dialect]: { ...wanted } }))
const { filter: anyFilter } = fc.letrec<{ filter: unknown }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.record({ not: tie('filter') }),
    fc.record({ all: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }) }),
  ),
}))
const anyEvent = fc
  .record(
    { type: words, source: words, subject: fc.option(words), success: fc.boolean(), name: words },
    { requiredKeys: ['type', 'source'] },
  )
  .map(event)

void t.test('not twice is nothing; not of any is all of not, and not of all is any of not', async () => {
  fc.assert(
    fc.property(fc.array(anyFilter, { minLength: 1, maxLength: 3 }), anyEvent, (filters, message) => {
      const opposites = filters.map((not) => ({ not }))
      return (
        test({ not: { not: filters[0] } }, message) === test(filters[0], message) &&
        test({ not: { any: filters } }, message) === test({ all: opposites }, message) &&
        test({ not: { all: filters } }, message) === test({ any: opposites }, message) &&
        test(filters, message) === test({ all: filters }, message)
      )
    }),
    { numRuns: 1000 },
  )
})

void t.test('several attributes of one dialect are all of them, each by itself', async () => {
  fc.assert(
    fc.property(leaf, anyEvent, (filter, message) => {
      const [[dialect, wanted] = ['', {}]] = Object.entries(filter)
      const each = Object.entries(wanted).map(([name, value]) => ({ [dialect]: { [name]: value } }))
      return test(filter, message) === test({ all: each }, message)
    }),
    { numRuns: 500 },
  )
})

/** A message with any fields at all, also such as no reader lets through. */
const anyMessage: fc.Arbitrary<Message> = fc
  .dictionary(fc.oneof(attributes, anyText(8)), fc.jsonValue())
  .map((fields) => ({ ...event({}), fields }))

void t.test('any text becomes a filter, or it is said why not, in words that can be printed', async () => {
  const { part } = fc.letrec<{ part: unknown }>((tie) => ({
    part: fc.oneof(
      { maxDepth: 5 },
      fc.jsonValue(),
      fc.array(tie('part'), { maxLength: 3 }),
      fc.dictionary(
        fc.oneof(fc.constantFrom('exact', 'prefix', 'suffix', 'all', 'any', 'not', 'type', '__proto__'), anyText(8)),
        tie('part'),
        { maxKeys: 2 },
      ),
    ),
  }))
  const text = fc.oneof(
    anyText(60),
    part.map((value) => JSON.stringify(value)),
  )
  fc.assert(
    fc.property(text, anyMessage, (json, given) => {
      const reading = compileFilter(json)
      if (reading.kind === 'filter') return typeof reading.test(given) === 'boolean'
      return /^[ -~…]{1,400}$/.test(reading.why)
    }),
    { numRuns: 3000 },
  )
})

void t.test('any filter answers for any message', async () => {
  fc.assert(
    fc.property(anyFilter, anyMessage, (filter, message) => typeof test(filter, message) === 'boolean'),
    { numRuns: 1000 },
  )
})
