import t from 'tap'
import type { FindKafkaOptions, KafkaBroker, NoKafka } from '../../src/dev/kafka-broker.ts'
import { withKafka } from '../../src/dev/with-kafka.ts'
import { settled } from '../support/clock.ts'

interface Stage {
  said: string[]
  stopped: number
  run: (command: readonly string[], kafka?: KafkaBroker | NoKafka) => Promise<number>
}

function stage(): Stage {
  const there = (options: FindKafkaOptions): KafkaBroker => ({
    kind: 'kafka',
    brokers: ['127.0.0.1:1', '127.0.0.1:2'],
    sasl: options.sasl && { ...options.sasl, brokers: ['127.0.0.1:3'] },
    how: 'a test',
    node: undefined,
    stop: async () => {
      self.stopped += 1
    },
  })
  const self: Stage = {
    said: [],
    stopped: 0,
    run: (command, kafka) =>
      withKafka(command, {
        env: { PATH: process.env.PATH },
        say: (sentence) => self.said.push(sentence),
        find: async (options) => kafka ?? there(options),
      }),
  }
  return self
}

void t.test('the exit code is the command’s own, and Kafka ends after it', async (t) => {
  const { run, ...rest } = stage()
  t.equal(await run(['sh', '-c', 'exit 0']), 0)
  t.equal(await run(['sh', '-c', 'exit 7']), 7)
  t.equal(await run(['sh', '-c', 'kill -TERM $$']), 143)
  t.same(rest.said[0], 'A Kafka for the tests is looked for; then sh runs')
  t.equal(rest.said.length, 3)
})

void t.test('the command finds Kafka in its environment', async (t) => {
  const self = stage()
  const script = `
    [ "$KAFKA_BROKERS" = 127.0.0.1:1,127.0.0.1:2 ] && [ "$KAFKA_SASL_BROKERS" = 127.0.0.1:3 ] &&
      [ "$KAFKA_SASL_USERNAME" = alice ] && [ "\${#KAFKA_SASL_PASSWORD}" = 24 ]`
  t.equal(await self.run(['sh', '-c', script]), 0)
  t.equal(self.stopped, 1)
  const plain: KafkaBroker = {
    kind: 'kafka',
    brokers: ['b:1'],
    sasl: undefined,
    how: '',
    node: undefined,
    stop: async () => undefined,
  }
  t.equal(await self.run(['sh', '-c', '[ "$KAFKA_BROKERS" = b:1 ] && [ -z "$KAFKA_SASL_BROKERS" ]'], plain), 0)
})

void t.test('without Kafka the command does not run, and the reason is said', async (t) => {
  const { run, said } = stage()
  t.equal(await run(['sh', '-c', 'exit 0'], { kind: 'none', why: 'install something', isSettingWrong: false }), 69)
  t.match(said, [/^A Kafka for the tests/, 'install something'])
})

void t.test('a command that is missing is said, and Kafka ends', async (t) => {
  const self = stage()
  t.equal(await self.run([]), 64)
  t.equal(self.stopped, 0)
  t.equal(await self.run(['no-such-command-here']), 127)
  t.match(self.said, [/Say which command/, /^A Kafka for the tests/, /no-such-command-here cannot be run/])
  t.equal(self.stopped, 1)
})

void t.test('a signal to us alone is passed on to the command', async (t) => {
  const self = stage()
  const ended = self.run(['sleep', '60'])
  await settled()
  process.kill(process.pid, 'SIGTERM')
  t.equal(await ended, 143)
  t.equal(self.stopped, 1)
})
