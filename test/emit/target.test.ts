import t from 'tap'
import type { Found } from '../../src/dev/whereabouts.ts'
import { targetOf } from '../../src/emit/target.ts'
import { VirtualClock } from '../support/clock.ts'

const NONE: Found = { kind: 'none' }
const WHERE = {
  pid: 7,
  startedAtMs: 1,
  service: 'dev',
  xzeprUrl: 'http://127.0.0.1:8042',
  token: 'abc',
  receiverId: '01M847HQ2BCF2FQ8EJCSJ07QCY',
  workApiUrl: 'http://127.0.0.1:8900',
}
const noFile = (): string => {
  throw new Error('no file is named')
}
const target = (env: Record<string, string>, found: Found = NONE): ReturnType<typeof targetOf> =>
  targetOf(env, noFile, new VirtualClock(), () => found)

void t.test('without a word in the environment events go to the loop that runs here', async (t) => {
  const targeting = target({ BRIDGE_ORDER: 'nonsense' }, { kind: 'found', where: WHERE, others: 1 })
  t.match(targeting, {
    kind: 'target',
    target: {
      xzeprUrl: WHERE.xzeprUrl,
      receiverId: WHERE.receiverId,
      workApi: { url: WHERE.workApiUrl, token: undefined },
      how: 'xzepr-bridge dev, process 7, the newest of 2',
    },
  })
})

void t.test('an XZepr that is named wins over a loop that runs', async (t) => {
  const env = { XZEPR_API_URL: 'https://xzepr.example.com', XZEPR_API_TOKEN: 'abc', BRIDGE_WORK_API_PORT: '9900' }
  const targeting = target(env, { kind: 'found', where: WHERE, others: 0 })
  t.match(targeting, {
    target: {
      xzeprUrl: 'https://xzepr.example.com',
      receiverId: undefined,
      workApi: { url: 'http://127.0.0.1:9900' },
      how: 'XZEPR_API_URL, XZEPR_API_TOKEN',
    },
  })
})

void t.test('nowhere to send to says how to have an XZepr', async (t) => {
  t.match(target({}), { kind: 'none', exitCode: 69, why: /xzepr-bridge dev[\s\S]*XZEPR_API_URL=/ })
  t.match(target({}, { kind: 'none', why: 'x is not ours.' }), { why: /^x is not ours\.\nNo XZepr/ })
})

void t.test('a wrong variable of XZepr’s is told, and no other', async (t) => {
  const targeting = target({ XZEPR_API_URL: 'nonsense', BRIDGE_ORDER: 'nonsense' })
  t.match(targeting, { kind: 'none', exitCode: 78, why: /XZEPR_API_URL/ })
  t.notMatch(targeting, { why: /BRIDGE_ORDER/ })
})
