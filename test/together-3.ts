/** One of the three processes that run all laws and unit tests: see support/together.ts. */
import { together } from './support/together.ts'

await together(2, 3)
