/**
 * Laws and unit tests that share a process: what needs no Kafka, and no process that nobody has touched.
 *
 * A process for each file would cost more than the tests in it. They are dealt out to as many processes as there are
 * files `test/together-*.ts`: three, so that each is well within a file's bound (.taprc) on a small machine that is shared.
 */
import { readdirSync } from 'node:fs'

const TESTS = new URL('../', import.meta.url)
/** `patches` looks at KafkaJS as it is before anybody has patched it; `python` may have a venv to make. */
const ALONE =
  /^e2e\/|^(?:vectors|clients)\/python|^kafka\/(source|patches|dead-letter)\.test\.ts$|^dev\/(kafka-broker|rehearse)\.test\.ts$/

const NONE = /^$/

/** Runs every `of`-th test file, from the `nth` on (from 0), but those whose path is left out. */
export async function together(nth: number, of: number, leftOut = NONE): Promise<void> {
  const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.test.ts') && !ALONE.test(path) && !leftOut.test(path))
    .sort()
  for (const [index, file] of files.entries()) {
    if (index % of === nth) await import(new URL(file, TESTS).href)
  }
}
