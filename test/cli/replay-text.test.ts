import fc from 'fast-check'
import t from 'tap'
import { LetterLines, harmless, progressText, summaryText } from '../../src/cli/replay-text.ts'
import type { Letter } from '../../src/core/replay.ts'
import { NOTHING_YET } from '../../src/core/replay.ts'
import { anyText } from '../support/any-text.ts'
import { recordOf } from '../support/books.ts'

const letterOf = (offset: bigint, error = 'The app answered HTTP 422.'): Letter => ({
  kind: 'letter',
  letter: { record: recordOf({ offset }), reason: 'rejected', error, attempts: 1, answer: undefined },
  group: 'g',
  atMs: Date.UTC(2026, 10, 23, 10, 35),
  leftOut: undefined,
})

void t.test('letters stand in lines below each other', async (t) => {
  const lines = new LetterLines()
  t.equal(
    lines.line(letterOf(12345n), '01J'),
    '2026-11-23T10:35:00.000Z  rejected        xzepr.dev.events/0/12345  01J                         The app answered HTTP 422.',
  )
  const [second, third] = [lines.line(letterOf(1n), '01K'), lines.line(letterOf(2n), undefined)]
  const column = '2026-11-23T10:35:00.000Z  rejected        xzepr.dev.events/0/12345  '.length
  t.equal(second.indexOf('01K'), column)
  t.equal(third.indexOf('  -  '), column - 2, 'one without an id is as wide')
})

void t.test('a letter that fails again says why now and why before, as two clauses', async (t) => {
  t.match(
    new LetterLines().failed(letterOf(1n), '01J', 'HTTP 503, attempt 5 of 5'),
    /^failed {2}2026-11-23T10:35:00\.000Z {2}rejected .* 01J +now: HTTP 503, attempt 5 of 5; before: The app answered HTTP 422$/,
  )
})

void t.test('nothing from outside can garble a terminal or break a line', async (t) => {
  fc.assert(
    fc.property(anyText(400), anyText(), (error, id) => {
      const letter = letterOf(1n, error)
      const lines = [new LetterLines().line(letter, id), new LetterLines().failed(letter, id, error)]
      return lines.every((line) => !/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/.test(line))
    }),
  )
  t.ok(harmless('x'.repeat(5000)).length <= 200)
})

const summary = (tally: object, more: Partial<Parameters<typeof summaryText>[0]> = {}): string =>
  summaryText({ tally: { ...NOTHING_YET, ...tally }, topic: 'dead', dryRun: false, early: undefined, ...more })

void t.test('the summary says what became of all, and what stays', async (t) => {
  t.equal(summary({}), '0 letters sent.\n')
  t.equal(summary({ sent: 1 }), '1 letter sent.\nThe letters stay in dead: sent again, they arrive again.\n')
  t.match(
    summary({ sent: 5, accepted: 2, failed: 1, unreadable: 3, notMeant: 4 }),
    /^5 letters sent, 2 of them accepted \(the app reports later\), 1 failed, 3 could not be read, 4 in dead not asked for\.\n/,
  )
  t.equal(summary({ sent: 2, failed: 1 }, { dryRun: true }), '2 letters would be sent, 1 cannot be sent.\n')
})

void t.test('a replay that ended early says why and where to go on', async (t) => {
  const early = { why: 'Ended as asked.', sinceMs: Date.UTC(2026, 10, 23, 10, 35) }
  t.match(
    summary({ sent: 1 }, { early }),
    /\nEnded as asked\. Go on with the same flags and --since 2026-11-23T10:35:00\.000Z; /,
  )
  t.equal(
    summary({}, { early: { why: 'Kafka cannot be read.', sinceMs: undefined } }),
    '0 letters sent.\nKafka cannot be read.\n',
  )
})

void t.test('the line that moves says how far it is', async (t) => {
  t.equal(
    progressText({ ...NOTHING_YET, sent: 2, failed: 1 }, 7n, 40n),
    '2 letters sent, 1 failed; 7 of 40 records read',
  )
})
