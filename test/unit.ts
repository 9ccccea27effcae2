/**
 * The unit tests alone, in one process and without the runner: `node test/unit.ts`, on a Node that reads TypeScript by itself.
 *
 * So `npm run rehearse -- --tests` tries the bridge on the Node of the image. What never runs there is left out: laws of the
 * repository, documents, examples, and what a person has on a machine to develop on.
 */
import t from 'tap'
import { together } from './support/together.ts'

t.setTimeout(600_000)
await together(0, 1, /^(?:laws|docs|examples|dev|emit|verify)\b/)
