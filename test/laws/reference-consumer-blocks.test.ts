/**
 * What docs/reference/downstream_consumer_api.md shows is real: deliveries to the byte, JSON by its schema, lines for a shell that
 * a running bridge takes, what becomes of a report, and limits that the code has.
 */
import t from 'tap'
import { run } from '../../src/dev/kafka/run.ts'
import { workListener } from '../support/listeners.ts'
import { deliveryBlocks, lifecycleBlocks } from '../support/consumer-page.ts'
import { schemaNamed, strangers, unsound, webhooks } from '../support/documents.ts'
import { deliveryOffences } from '../support/exchanges.ts'
import { codes, holdsWritten, page, table } from '../support/reference-pages.ts'
import { Road } from '../support/road.ts'
import { message, running, TOPIC } from '../support/running.ts'
import { SOURCES } from './sources.ts'

const NAME = 'downstream_consumer_api.md'

void t.test('the deliveries and what XZepr is told are what the bridge makes of such a record', async (t) => {
  holdsWritten(t, NAME, 'deliveries', deliveryBlocks())
  holdsWritten(t, NAME, 'lifecycle', lifecycleBlocks())
})

void t.test('every delivery that is shown is what its webhook takes', async (t) => {
  const blocks = [...page(NAME).matchAll(/`(\w+)`:\n\n```http\nPOST [^\n]+\n([^]*?)\n\n([^]*?)\n```/g)]
  t.strictSame(blocks.map(([, format]) => format).sort(), ['batch', 'binary', 'structured', 'verbatim'])
  for (const [, format = '', head = '', body = ''] of blocks) {
    const webhook = webhooks.get(format)
    if (webhook === undefined) throw new Error(format)
    const headers = Object.fromEntries(head.split('\n').map((line) => line.split(/: (.*)/).slice(0, 2))) as Record<
      string,
      string
    >
    t.strictSame(deliveryOffences(webhook, { headers, body: Buffer.from(body) }), [], format)
  }
})

void t.test('every JSON that is shown is sound by the schema that stands before it', async (t) => {
  const text = page(NAME)
  const [before = '', lifecycle = '', after = ''] = text.split(/<!-- \/?lifecycle -->/)
  const marked = [...(before + after).matchAll(/<!-- openapi: (\w+) -->\n```json\n([^]*?)\n```/g)]
  t.equal(marked.length, [...(before + after).matchAll(/```json/g)].length, 'each has one')
  for (const [, schema = '', json = ''] of marked) {
    const value: unknown = JSON.parse(json)
    t.strictSame(unsound(schemaNamed(schema), value), [], schema)
    t.strictSame(strangers(schemaNamed(schema), value), [], schema)
  }
  const told = [...lifecycle.matchAll(/```json\n([^]*?)\n```/g)].map(([, json = '']) => JSON.parse(json) as unknown)
  t.equal(told.length, 3)
  t.strictSame(unsound(schemaNamed('XzeprMessage'), told[2]), [], 'as it comes on Kafka')
})

const curl = await run('curl', ['--version'], { env: process.env, timeoutMs: 30_000 })
const without = curl.ok || process.env.CI === 'true' ? {} : { skip: curl.why }

void t.test('the lines for a shell do what they say, at a running bridge', without, async (t) => {
  const blocks = [...page(NAME).matchAll(/```sh\n([^]*?)```/g)].map(([, text = '']) => text)
  const ids = [...new Set(blocks.join().match(/\b01[0-9A-Z]{24}\b/g))]
  t.equal(ids.length, 3)
  const bridge = await running(t, { BRIDGE_SHUTDOWN_GRACE_MS: '0', BRIDGE_RETRY_INITIAL_MS: '1' })
  bridge.beside.behave = () => 202
  for (const id of ids) bridge.log.append(TOPIC, message(id))
  await bridge.until('attempt.answered', 3)
  for (const block of blocks) {
    const script = block.replaceAll('http://127.0.0.1:8900', bridge.beside.workApiUrl)
    const { ok, why } = await run('bash', ['-euc', script], { env: { PATH: process.env.PATH }, timeoutMs: 30_000 })
    t.ok(ok, ok ? '' : why)
  }
  await bridge.until('work.ended', 2)
  const reports = bridge.entries.flatMap((entry) => (entry.name === 'work.reported' ? [entry.report] : []))
  t.strictSame(reports, ['started', 'progress', 'completed', 'failed', 'failed'])
  const endings = bridge.entries.flatMap((entry) => (entry.name === 'work.ended' ? [[entry.workId, entry.ending]] : []))
  t.strictSame(endings, [
    [ids[0], 'completed'],
    [ids[1], 'failed'],
  ])
})

/** What a report is answered: of the work `w`, which has ended as `ending` says, or of one that is not in hand. */
async function answered(kind: string, body: object, { ending = '', id = 'w', away = false, unknown = 'forward' } = {}) {
  const road = new Road({ unknown: unknown === 'reject' ? 'reject' : 'forward' })
  road.assign()
  road.receive(['w'])
  if (away) road.forwardOutcome = { kind: 'away', why: 'reset', retryAfterMs: 1000 }
  if (ending !== '') road.desk.report('w', { kind: 'completed', success: true, details: new Map() })
  const answer = await workListener({ desk: road.desk }).inject({
    ...{ method: 'POST', url: `/work/${id}/${kind}`, payload: JSON.stringify(body) },
    headers: { host: 'localhost', 'content-type': 'application/json' },
  })
  return { status: String(answer.statusCode), owed: road.owed.length }
}

void t.test('each row of repeats, contradictions and unknown works is so', async (t) => {
  const none = { id: 'unknown' }
  const met = [
    await answered('completed', {}),
    await answered('completed', {}, { ending: 'completed' }),
    await answered('failed', {}, { ending: 'completed' }),
    await answered('started', {}, { ending: 'completed' }),
    await answered('completed', {}, none),
    await answered('completed', {}, { ...none, away: true }),
    await answered('completed', {}, { ...none, unknown: 'reject' }),
    await answered('progress', {}, none),
    await answered('failed', { retry: true }, none),
  ]
  const rows = table(page(NAME), 'you report', 'the work')
  t.strictSame(
    rows.map((row) => codes(row.answer)[0]),
    met.map(({ status }) => status),
  )
  t.equal(met[1]?.owed, 1, 'a repeat makes no second event')
})

/** A number as it stands in the code: of a constant, a member or a default. */
function numberIn(path: string, name: string): number {
  const text = SOURCES.find((source) => source.path === path)?.text ?? ''
  const found = [...text.matchAll(new RegExp(`\\b${name}(?: =|:|,? \\?\\?) ([\\d_ *.]+)`, 'g'))].map(
    ([, sum = '']) => sum,
  )
  if (found[0] === undefined || new Set(found).size > 1) throw new Error(`${found.length} numbers ${name} in ${path}`)
  return found[0].split('*').reduce((product, factor) => product * Number(factor.replaceAll('_', '')), 1)
}

const LIMITS: Readonly<Record<string, readonly [path: string, name: string, unit?: string]>> = {
  'the body of a call': ['http/listener.ts', 'maxBodyBytes', 'bytes'],
  'all headers of a call': ['http/listener.ts', 'maxHeaderBytes', 'bytes'],
  'head of a call, until it has arrived': ['http/listener.ts', 'headersTimeoutMs', 'ms'],
  'head and body of a call, until they have arrived': ['http/listener.ts', 'requestTimeoutMs', 'ms'],
  'an idle connection to the work API': ['http/listener.ts', 'idleTimeoutMs', 'ms'],
  'connections to the work API': ['http/listener.ts', 'maxConnections'],
  'calls in hand': ['http/listener.ts', 'maxInHand'],
  'calls that wait for XZepr by `prefer`': ['http/work-api.ts', 'maxWaiting'],
  '`prefer: wait`': ['http/work-api.ts', 'WAIT_MAX_SECONDS', 'seconds'],
  'reports about works that are not in hand, on their way at once': ['desk.ts', 'FORWARDS_MAX'],
  "an event's id": ['core/message.ts', 'ID_MAX_BYTES', 'bytes'],
  '`version` of a report': ['core/lifecycle.ts', 'VERSION_MAX_BYTES', 'bytes'],
  'depth of a body': ['http/report-body.ts', 'NESTING_MAX', 'levels'],
  'a lifecycle event': ['core/lifecycle.ts', 'LIFECYCLE_MAX_BYTES', 'bytes'],
  '`lease_seconds`, `retry_after_seconds`': ['http/report-body.ts', 'PERIOD_MAX_SECONDS', 'seconds'],
  'tries of a report that XZepr refuses': ['xzepr/reporter.ts', 'triesMax'],
  'settled works that are remembered': ['core/registry.ts', 'REMEMBERED_MAX'],
  'connecting to the app': ['webhook/client.ts', 'CONNECT_TIMEOUT_MS', 'ms'],
  "headers of the app's answer": ['webhook/client.ts', 'MAX_HEADER_BYTES', 'bytes'],
  "body of the app's answer to a single event": ['webhook/client.ts', 'MAX_RESPONSE_BYTES', 'bytes'],
  "body of the app's answer to a batch, beside the size of the delivery": [
    'webhook/client.ts',
    'RESULTS_BYTES',
    'bytes',
  ],
  '`kafka-key`': ['core/delivery.ts', 'KEY_MAX_BYTES', 'bytes'],
}

void t.test('the limits are those of the code', async (t) => {
  const rows = Object.fromEntries(table(page(NAME), 'what', 'limit').map(({ what = '', limit }) => [what, limit]))
  const known = Object.entries(LIMITS).map(([what, [path, name, unit]]) => {
    return [what, [numberIn(path, name), unit].filter((part) => part !== undefined).join(' ')]
  })
  // Room for `.completed` behind a name.
  const name = `${numberIn('core/lifecycle.ts', 'NAME_MAX_BYTES') - '.completed'.length} bytes`
  t.strictSame(rows, { ...Object.fromEntries(known), '`name` of a report': name })
})
