import { Webhook } from 'standardwebhooks'
import fc from 'fast-check'
import t from 'tap'
import { signatureHeaders, signingKeys } from '../../src/webhook/signature.ts'

const secretOf = (key: Uint8Array): string => `whsec_${Buffer.from(key).toString('base64')}`
/** The official library refuses what is older or newer than five minutes. */
const nowMs = Date.now()

void t.test('the specification’s own example is signed as the official libraries sign it', async (t) => {
  // From the test vectors of the reference libraries.
  const [key] = signingKeys('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
  const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek'
  const signed = { id, body: Buffer.from('{"test": 2432232314}'), nowMs: 1_614_265_330_999 }
  t.same(signatureHeaders(key === undefined ? [] : [key], signed), {
    'webhook-id': id,
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
})

void t.test('the official library verifies every signature, under each of the secrets and no other', async () => {
  const key = fc.uint8Array({ minLength: 24, maxLength: 64 })
  const keys = fc.uniqueArray(key, { minLength: 1, maxLength: 4, selector: secretOf })
  fc.assert(
    fc.property(keys, key, fc.stringMatching(/^[\w/%-]{1,40}$/), fc.json(), (keys, stranger, id, json) => {
      const headers = signatureHeaders(signingKeys(keys.map(secretOf).join(' \n')), {
        id,
        body: Buffer.from(json),
        nowMs,
      })
      for (const each of keys) new Webhook(secretOf(each)).verify(json, headers)
      if (keys.some((each) => secretOf(each) === secretOf(stranger))) return
      try {
        new Webhook(secretOf(stranger)).verify(json, headers)
      } catch {
        return
      }
      throw new Error('a stranger’s secret verifies')
    }),
    { numRuns: 100 },
  )
})

void t.test('secrets are told apart by white-space of any kind; one that comes twice signs once', async (t) => {
  const [a, b] = [secretOf(Buffer.alloc(24, 'a')), secretOf(Buffer.alloc(24, 'b'))]
  t.same(
    signingKeys(` ${a}\n\t${b}\r\n${a} `).map((key) => Buffer.from(key).toString()),
    ['a'.repeat(24), 'b'.repeat(24)],
  )
  t.same(signingKeys(''), [])
})
