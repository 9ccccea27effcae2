/**
 * Lints openapi.yaml and asyncapi.yaml by the rules of redocly.yaml; `npm run lint:api`.
 *
 * It asks Redocly's linter itself and not its command line: that one looks for updates and counts its users, the linter
 * opens no connection.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createConfig, formatProblems, getTotals, lint } from '@redocly/openapi-core'

const root = fileURLToPath(new URL('..', import.meta.url))
const config = await createConfig(readFileSync(`${root}redocly.yaml`, 'utf8'))
for (const name of ['openapi.yaml', 'asyncapi.yaml']) {
  const problems = await lint({ ref: `${root}${name}`, config })
  const totals = getTotals(problems)
  if (problems.length > 0) formatProblems(problems, { cwd: root, format: 'codeframe', totals, version: 'api' })
  if (totals.errors + totals.warnings > 0) process.exitCode = 1
}
