/**
 * The unit tests alone, in one process and without the runner: `node test/unit.ts`, on a Node that reads TypeScript by itself.
 *
 * So `npm run rehearse -- --tests` tries the program on the Node of the image; laws of the repository, documents and examples
 * are the same on any.
 */
import t from 'tap'
import { together } from './support/together.ts'

t.setTimeout(600_000)
await together(0, 1, /^(?:laws|docs|examples|dev\/(?:demo|app-))/)
