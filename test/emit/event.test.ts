import t from 'tap'
import { draftOf, eventBody, fieldTexts } from '../../src/emit/event.ts'
import { readEvent } from '../../src/dev/xzepr-rules.ts'

const RECEIVER = '01M847HQ2BCF2FQ8EJCSJ07QCY'
const NONE = new Map()

void t.test('a name alone makes an event that XZepr takes', async (t) => {
  const body = eventBody({ name: 'build.success', payload: '{"n":9007199254740993}', fields: NONE }, RECEIVER)
  const read = readEvent(Buffer.from(body), 'new')
  t.match(read, { kind: 'ok', value: { name: 'build.success', success: true, receiverId: RECEIVER } })
  t.match(read, { value: { payload: '{"n":9007199254740993}', package: 'xzepr-bridge', platformId: 'local' } })
})

void t.test('what is set wins over what is written down, and that over the defaults', async (t) => {
  const members = new Map([
    ['name', '"a.b"'],
    ['package', '"written"'],
    ['version', '"9"'],
    ['success', 'false'],
  ])
  const drafting = draftOf(members, fieldTexts(new Map([['package', 'said "so"']])))
  t.equal(drafting.kind, 'draft')
  if (drafting.kind !== 'draft') return
  const body = JSON.parse(eventBody(drafting.draft, RECEIVER)) as Record<string, unknown>
  t.match(body, { name: 'a.b', package: 'said "so"', version: '9', success: false, payload: {}, release: '1.0.0' })
})

void t.test('an event that XZepr would misread is refused by the name of its member', async (t) => {
  const wrong = (members: Record<string, string>): string => {
    const drafting = draftOf(new Map(Object.entries(members)), NONE)
    return drafting.kind === 'wrong' ? drafting.why : 'taken'
  }
  t.match(wrong({}), /^has no "name"/)
  t.match(wrong({ name: '7' }), /^has no "name"/)
  t.match(wrong({ name: '"a"', payload: '[1]' }), /^has a "payload" that is no object/)
  t.match(wrong({ name: '"a"', playload: '{}' }), /^has a member "playload"; XZepr knows name, payload/)
  t.match(wrong({ name: '"a"', success: '"yes"' }), /^has a "success" that is no true or false/)
  t.match(wrong({ name: '"a"', version: '1' }), /^has a "version" that is no text/)
  t.equal(wrong({ name: '"a"', payload: '{}' }), 'taken')
})
