import t from 'tap'
import { BridgeError } from '../../src/core/errors.ts'
import { ProblemBook, problemOf } from '../../src/kafka/problem.ts'

const named = (name: string, message: string, more: object = {}): Error =>
  Object.assign(new Error(message), { name }, more)
const wrapped = (cause: Error): Error => named('KafkaJSNumberOfRetriesExceeded', cause.message, { cause })

const cases: readonly [law: string, thrown: unknown, code: string][] = [
  ['a refused password', named('KafkaJSSASLAuthenticationError', 'SCRAM failed'), 'XZB_KAFKA_AUTH'],
  [
    'a topic that is not there',
    named('KafkaJSProtocolError', 'no such', { type: 'UNKNOWN_TOPIC_OR_PARTITION' }),
    'XZB_KAFKA_TOPIC_UNKNOWN',
  ],
  ['a missing ACL', named('KafkaJSProtocolError', 'no', { type: 'GROUP_AUTHORIZATION_FAILED' }), 'XZB_KAFKA_FORBIDDEN'],
  [
    'an unknown authority',
    named('KafkaJSConnectionError', 'Connection error: unable to verify the first certificate'),
    'XZB_KAFKA_TLS',
  ],
  ['a refused connection', named('KafkaJSConnectionError', 'connect ECONNREFUSED 127.0.0.1:1'), 'XZB_KAFKA_CONNECT'],
  ['a request without answer', named('KafkaJSRequestTimeoutError', 'Request Metadata timed out'), 'XZB_KAFKA_CONNECT'],
  ['a failure of the socket itself', named('Error', 'write EPIPE', { syscall: 'write' }), 'XZB_KAFKA_CONNECT'],
  ['a batch that cannot be inflated', new BridgeError('XZB_KAFKA_DECOMPRESS', 'a gzip batch'), 'XZB_KAFKA_DECOMPRESS'],
  ['anything else', new TypeError('x is not a function'), 'XZB_KAFKA_CONSUMER_STOPPED'],
  ['what is not even an error', 'gone', 'XZB_KAFKA_CONSUMER_STOPPED'],
]
for (const [law, thrown, code] of cases) {
  void t.test(`${law} is ${code}, however deep it is wrapped`, async (t) => {
    t.equal(problemOf(thrown, 'trying').code, code)
    if (thrown instanceof Error) t.equal(problemOf(wrapped(wrapped(thrown)), 'trying').code, code)
  })
}

void t.test('a problem says what was being done, and falls back to the name of an error without words', async (t) => {
  t.equal(problemOf(named('KafkaJSConnectionError', ' refused '), 'reaching a:1').why, 'reaching a:1: refused')
  t.equal(problemOf(named('KafkaJSConnectionError', ''), 'reaching a:1').why, 'reaching a:1: KafkaJSConnectionError')
  t.equal(problemOf('gone', 'reaching a:1').why, 'reaching a:1: gone')
})

void t.test('an error that is its own cause ends', async (t) => {
  const error = new Error('round')
  error.cause = error
  t.equal(problemOf(error, 'x').why, 'x: round')
})

const refused = { code: 'XZB_KAFKA_CONNECT', why: 'a:1 refused' } as const
const other = { code: 'XZB_KAFKA_CONNECT', why: 'b:1 refused' } as const

void t.test('a problem is written down once, also when it takes turns with another', async (t) => {
  const book = new ProblemBook()
  t.match(book.appeared(refused, 0), { name: 'kafka.problem', code: refused.code, why: refused.why, hint: /BROKERS/ })
  t.equal(book.appeared(refused, 1000), undefined)
  t.ok(book.appeared(other, 2000))
  t.equal(book.appeared(refused, 3000), undefined)
  t.match(book.sentence, /cannot be reached.*a:1 refused/)
})

void t.test('a problem that comes back soon is no news, one that had been gone for a minute is', async (t) => {
  const book = new ProblemBook()
  book.appeared(refused, 0)
  book.mended(1000)
  t.equal(book.sentence, undefined)
  t.equal(book.appeared(refused, 2000), undefined)
  book.mended(3000)
  book.mended(50_000)
  t.ok(book.appeared(refused, 63_000), 'the minute counts from when it was mended')
})

void t.test('however many problems there are, what is written down has an end', async (t) => {
  const book = new ProblemBook()
  let written = 0
  for (let at = 0; at < 1000; at++) if (book.appeared({ ...refused, why: `try ${at}` }, at)) written += 1
  t.equal(written, 32)
  t.match(book.sentence, /try 999/)
})
