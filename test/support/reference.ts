/**
 * The declared variables as they are written elsewhere: .env.example and the README's table.
 *
 * The law test holds both texts to these; `TAP_SNAPSHOT=1 npx tap test/laws/variables.test.ts` writes them anew.
 */
import { wrap } from '../../src/config/findings.ts'
import type { Variable } from '../../src/config/variable.ts'
import { GROUPS, defaultText } from '../../src/config/variable.ts'
import { ALL_VARIABLES } from '../../src/config/variables.ts'

const HEAD = `# Every variable of xzepr-bridge, with its default. Copy to .env, keep what you change: node --env-file=.env dist/main.js
# Held to the declarations by test/laws/variables.test.ts.
`

export function envExample(): string {
  const chapters = GROUPS.map((group) => {
    const own = [...ALL_VARIABLES].filter(([, variable]) => variable.group === group)
    return [`# ── ${group} ──`, '', ...own.flatMap(([name, variable]) => [...entry(name, variable), ''])].join('\n')
  })
  return [HEAD, ...chapters].join('\n')
}

function entry(name: string, variable: Variable): string[] {
  const initial = defaultText(variable)
  const notes = [
    variable.description,
    variable.notYet === true ? 'Not available in this version.' : '',
    variable.alias === undefined ? '' : `Also taken as ${variable.alias}.`,
    `Must be ${variable.right}.`,
  ].filter((note) => note !== '')
  const comment = wrap(notes.join(' '), '# ', 100)
  // What has to be set stands open; everything else is shown as it already is.
  if (variable.presence === 'required') return [...comment, `${name}=${variable.example}`]
  if (initial === undefined) return [...comment, `# No default. For example:`, `# ${name}=${variable.example}`]
  return [...comment, `# ${name}=${initial}`]
}

/** `| variable | default | what it is |`, all variables in the order of the reference. */
export function variableTable(): string {
  const rows = [...ALL_VARIABLES].map(
    ([name, variable]) => `| \`${name}\` | ${defaultCell(variable)} | ${says(variable)} |`,
  )
  return ['| variable | default | |', '| --- | --- | --- |', ...rows].join('\n')
}

export function defaultCell(variable: Variable): string {
  if (variable.presence === 'required') return 'required'
  const initial = defaultText(variable)
  return initial === undefined ? 'none' : `\`${initial}\``
}

function says(variable: Variable): string {
  const later = variable.notYet === true ? ' Not available in this version.' : ''
  return `${variable.description}${later}`.replaceAll('|', '\\|').replace(/<(\w+)>/g, '`<$1>`')
}
