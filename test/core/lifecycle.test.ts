import fc from 'fast-check'
import t from 'tap'
import type { LifecycleEvent, LifecycleStatus } from '../../src/core/lifecycle.ts'
import {
  deliveryId,
  LIFECYCLE_MAX_BYTES,
  lifecycleBody,
  NAME_MAX_BYTES,
  unstorable,
  VERSION_MAX_BYTES,
} from '../../src/core/lifecycle.ts'
import { anyText } from '../support/any-text.ts'

const RECEIVER = '01J00000000000000000000000'
const STATUSES: LifecycleStatus[] = ['started', 'completed', 'failed']

const COMPLETED: LifecycleEvent = {
  workId: '01JWORK',
  status: 'completed',
  name: 'deployer',
  version: '1.0.0',
  package: 'deployer-service',
  platformId: 'x86_64-oci-linux-2',
  atMs: Date.UTC(2026, 10, 23, 10, 35, 0),
  details: new Map([['build', '9007199254740993']]),
  sourceEventType: 'deployment.success',
  deliveryId: 'group/01JWORK/completed',
}

interface Body extends Record<string, unknown> {
  readonly payload: Record<string, unknown> & { readonly details: Record<string, unknown> }
}
const bodyOf = (event: LifecycleEvent): Body => JSON.parse(lifecycleBody(event, RECEIVER)) as Body

void t.test("a completed event is the contract's example, member for member and in its order", async (t) => {
  t.equal(
    lifecycleBody(COMPLETED, RECEIVER),
    `{"name":"deployer.completed","version":"1.0.0","release":"1.0.0","platform_id":"x86_64-oci-linux-2",` +
      `"package":"deployer-service","description":"Work completed: deployer (01JWORK)","success":true,` +
      `"event_receiver_id":"${RECEIVER}",` +
      `"payload":{"work_id":"01JWORK","status":"completed","completed_at":"2026-11-23T10:35:00.000Z","success":true,` +
      `"details":{"build":9007199254740993,"source_event_id":"01JWORK","source_event_type":"deployment.success",` +
      `"delivery_id":"group/01JWORK/completed"}}}`,
  )
})

void t.test('a started event has started_at and no success in its payload', async (t) => {
  const { payload, ...event } = bodyOf({ ...COMPLETED, status: 'started' })
  t.match(event, { name: 'deployer.started', success: true, description: 'Work started: deployer (01JWORK)' })
  t.equal(payload.started_at, '2026-11-23T10:35:00.000Z')
  t.same(Object.keys(payload), ['work_id', 'status', 'started_at', 'details'])
})

void t.test('a failed event says so in the event and in its payload', async (t) => {
  const details = new Map([
    ['error', '"boom"'],
    ['error_code', '"E1"'],
  ])
  const { payload, ...event } = bodyOf({ ...COMPLETED, status: 'failed', details })
  t.match(event, { name: 'deployer.failed', success: false })
  t.match(payload, { status: 'failed', success: false, completed_at: '2026-11-23T10:35:00.000Z' })
  t.match(payload.details, { error: 'boom', error_code: 'E1' })
})

void t.test("the app's details cannot forge what the bridge says about the source", async (t) => {
  const details = new Map(['source_event_id', 'source_event_type', 'delivery_id'].map((name) => [name, '"forged"']))
  const text = lifecycleBody({ ...COMPLETED, details }, RECEIVER)
  t.notMatch(text, /forged/)
  t.equal(text.split('"delivery_id"').length, 2)
})

void t.test('a delivery id is the same for one report and another for any other', async (t) => {
  t.equal(deliveryId('group', 'work', 'started'), 'group/work/started')
  t.equal(new Set(STATUSES.map((status) => deliveryId('group', 'work', status))).size, 3)
})

void t.test('a name, a version or details that XZepr cannot store are named beforehand', async (t) => {
  const why = (change: Partial<LifecycleEvent>): string | undefined => unstorable({ ...COMPLETED, ...change })
  const members = (name: string, json: string): Partial<LifecycleEvent> => ({ details: new Map([[name, json]]) })
  t.equal(why({}), undefined)
  t.equal(why({ name: 'n'.repeat(NAME_MAX_BYTES - '.completed'.length) }), undefined)
  t.equal(why({ name: 'n'.repeat(246) }), 'name takes 256 bytes, XZepr stores 255 at most')
  t.equal(why({ name: 'é'.repeat(123) }), 'name takes 256 bytes, XZepr stores 255 at most')
  t.equal(why({ version: '1'.repeat(VERSION_MAX_BYTES) }), undefined)
  t.equal(why({ version: '1'.repeat(101) }), 'version takes 101 bytes, XZepr stores 100 at most')
  t.equal(why({ name: ' ' }), 'name is blank')
  t.equal(why({ version: '' }), 'version is blank')
  t.equal(why({ name: 'a\u0000' }), 'name holds U+0000')
  t.equal(why({ version: '\ud83d' }), 'version holds a lone surrogate')
  t.equal(why(members('a', '"\\u0000"')), 'details holds U+0000, which XZepr cannot store')
  t.equal(why(members('\u0000', '1')), 'details holds U+0000, which XZepr cannot store')
  t.equal(why(members('a', '["\\udc00"]')), 'details holds a lone surrogate, which XZepr cannot store')
})

void t.test('the size of the whole event decides, to the byte', async (t) => {
  const filled = (length: number): LifecycleEvent => ({
    ...COMPLETED,
    details: new Map([['text', `"${'x'.repeat(length)}"`]]),
  })
  const room = LIFECYCLE_MAX_BYTES - Buffer.byteLength(lifecycleBody(filled(0), RECEIVER))
  t.equal(unstorable(filled(room)), undefined)
  t.equal(Buffer.byteLength(lifecycleBody(filled(room), RECEIVER)), LIFECYCLE_MAX_BYTES)
  t.equal(unstorable(filled(room + 1)), 'the event takes 900001 bytes, 900000 at most')
})

void t.test('what the source event brings along is made storable: the app cannot be blamed for it', async (t) => {
  const { payload, ...event } = bodyOf({
    ...COMPLETED,
    platformId: `\u0000${'p'.repeat(300)}`,
    sourceEventType: 'a\ud83d',
  })
  t.equal(event.platform_id, `\uFFFD${'p'.repeat(252)}`)
  t.equal(payload.details.source_event_type, 'a\uFFFD')
})

void t.test('whatever an app reports: what is not refused is one JSON object within every bound of XZepr', async () => {
  const text = fc.oneof(fc.string(), anyText(), fc.constantFrom('\u0000', '\ud83d', ' ', '"', '\\'))
  const event: fc.Arbitrary<LifecycleEvent> = fc.record({
    workId: fc.string(),
    status: fc.constantFrom(...STATUSES),
    name: text,
    version: text,
    package: fc.string({ minLength: 1 }),
    platformId: text,
    atMs: fc.nat(4_102_444_800_000),
    details: fc
      .array(
        fc.tuple(
          text,
          fc.jsonValue().map((value) => JSON.stringify(value)),
        ),
      )
      .map((all) => new Map(all)),
    sourceEventType: text,
    deliveryId: fc.string(),
  })
  fc.assert(
    fc.property(event, (any) => {
      if (unstorable(any) !== undefined) return true
      const json = lifecycleBody(any, RECEIVER)
      const body = JSON.parse(json) as Body
      const strings = JSON.stringify(body)
      return (
        Buffer.byteLength(json) <= LIFECYCLE_MAX_BYTES &&
        Buffer.byteLength(body.name as string) <= NAME_MAX_BYTES &&
        Buffer.byteLength(body.version as string) <= VERSION_MAX_BYTES &&
        Buffer.byteLength(body.platform_id as string) <= NAME_MAX_BYTES &&
        (body.name as string).trim() !== '' &&
        !strings.replaceAll('\\\\', '').includes('\\u0000') &&
        /^\P{Surrogate}*$/u.test(strings)
      )
    }),
    { numRuns: 500 },
  )
})
