import t from 'tap'
import { Screen } from '../../src/dev/demo-screen.ts'
import { VirtualClock } from '../support/clock.ts'

function screenOn(isTTY: boolean): { screen: Screen; written: string[]; clock: VirtualClock } {
  const written: string[] = []
  const clock = new VirtualClock()
  return { screen: new Screen({ isTTY, write: (text: string) => written.push(text) }, clock), written, clock }
}

void t.test('in a pipe there are lines alone', async (t) => {
  const { screen, written, clock } = screenOn(false)
  screen.spin('Kafka starts')
  await clock.advance(1000)
  screen.line('a')
  screen.line()
  screen.still()
  t.same(written, ['a\n', '\n'])
  t.equal(clock.pending, 0)
})

void t.test('on a terminal a spinner turns below the lines until it is stilled', async (t) => {
  const { screen, written, clock } = screenOn(true)
  screen.spin('Kafka starts')
  await clock.advance(100)
  t.same(written.splice(0), ['\r\u001b[2K⠋ Kafka starts', '\r\u001b[2K⠙ Kafka starts'])
  screen.line('a')
  t.same(written.splice(0), ['\r\u001b[2K', 'a\n', '\r\u001b[2K⠹ Kafka starts'])
  screen.still()
  screen.still()
  await clock.advance(1000)
  t.same(written, ['\r\u001b[2K'])
  t.equal(clock.pending, 0)
})

void t.test('what an app prints cannot command the terminal', async (t) => {
  const { screen, written } = screenOn(true)
  screen.line('a\u001b[2Jb\u009bc\nd')
  t.same(written, ['a\ufffd[2Jb\ufffdc\ufffdd\n'])
})
