/**
 * The reference of all variables as one page of Markdown, read from their declarations (docs/reference/configuration.md).
 *
 *   how it is read ─▶ a chapter for each group, a section for each variable ─▶ what must fit together
 *
 * The law: whatever the page says of a refusal or a warning, the bridge itself has just said, to the example beside it.
 * Pure: no file is read, the page is the same for everybody.
 */
import { readConfig } from '../config.ts'
import { ERRORS } from '../core/errors.ts'
import { quoted, renderProblems } from './findings.ts'
import type { Misfit } from './together.ts'
import { ENOUGH, MISFITS, readerOf } from './together.ts'
import type { Group, Variable } from './variable.ts'
import { GROUPS, defaultText } from './variable.ts'
import { ALL_VARIABLES } from './variables.ts'

const HEAD = `# Configuration

<!-- Written from the declarations in src/config: what is changed here by hand is lost. -->

Everything is set by environment variables, and all of them are here, in the order of \`.env.example\`. Only \`BRIDGE_SERVICE\` and one
way to sign in to XZepr have no default.

How the environment is read:

- An empty text is the same as none. White-space around a value does not count, but in a secret only the line's end behind it
  is cut.
- Whole numbers are digits alone: no sign, no point, no exponent. Words of a closed list are written as they stand here.
- A secret comes from its variable or from the file that its \`…_FILE\` names, not from both. Line ends at the end of the file
  do not count. No message, log line or page ever shows a secret.
- Files are read once, at start, and take 1 MiB at most; \`XZEPR_API_TOKEN_FILE\` is read again whenever it changes.
- A name that begins with \`BRIDGE_\` or is nearly one of \`XZEPR_…\` and is not here is passed over with a warning that names
  the nearest. \`XZEPR__…\` are XZepr's own.
- What is wrong in form is told all at once, on standard error, before a port is opened or a neighbour is called; the exit code
  is 78.
  What is set and has no effect is a warning: a \`config.warning\` in the [log](log-events.md).
- What is right in form may still be wrong, as a password may: that shows at run time. No such error stops the bridge, and
  [its code](error-codes.md#errors-of-the-bridge) says what to mend.
`

const WRONG = { BRIDGE_MAX_ATTEMPTS: 'ten', BRIDGE_WEBHOOK_URL: 'app:8080', XZEPR_KAFKA_SECURITY_PROTOCOL: 'SASL' }

const TOGETHER = `## What must fit together

What each variable may be alone stands with it. This is what the bridge says to some that do not fit together, or not to the
world around them. Where they do not stand in the example, \`BRIDGE_SERVICE\` and \`XZEPR_API_TOKEN\` are set beside it.
`

const CHAPTERS: Readonly<Record<Group, string>> = {
  Service: 'Whom the bridge serves. The other names follow from the first.',
  Kafka: 'Where events come from, and how the bridge signs in there.',
  XZepr: 'Where lifecycle events go. Exactly one way to sign in has to be set.',
  Webhook: 'Where events are delivered, and in which form: see [the API for apps](downstream_consumer_api.md).',
  Delivery: 'Which events, in what order, how many at a time, and how patiently.',
  'Work API': 'Where the app reports: see [the API for apps](downstream_consumer_api.md).',
  Running: 'Probes, metrics, levers, the end and the log.',
}

/** The page. */
export function configurationPage(): string {
  return [HEAD, ...sample(), contents(), ...GROUPS.flatMap(chapter), TOGETHER, misfitTable(), ''].join('\n')
}

function sample(): string[] {
  const reading = readConfig({ ...ENOUGH, ...WRONG }, readerOf())
  const errors = reading.kind === 'errors' ? reading.errors : []
  return [`With ${codes(WRONG)} it is:`, '', ...['```text', renderProblems(errors).trimEnd(), '```', '']]
}

function contents(): string {
  const rows = GROUPS.map(
    (group) =>
      `| [${group}](#${anchor(group)}) | ${of(group)
        .map(([name]) => link(name))
        .join(' ')} |`,
  )
  return ['| chapter | variables |', '| --- | --- |', ...rows, ''].join('\n')
}

const of = (group: Group): [string, Variable][] => [...ALL_VARIABLES].filter(([, each]) => each.group === group)
const anchor = (title: string): string => title.toLowerCase().replaceAll(' ', '-')
const link = (name: string): string => `[\`${name}\`](#${anchor(name)})`

function chapter(group: Group): string[] {
  return [`## ${group}`, '', CHAPTERS[group], '', ...of(group).flatMap(([name, variable]) => section(name, variable))]
}

function section(name: string, variable: Variable): string[] {
  const initial = defaultText(variable)
  const row = [
    typeOf(variable),
    variable.unit ?? '',
    variable.presence === 'required' ? 'none: it is required' : initial === undefined ? 'none' : `\`${initial}\``,
    cell(variable.right),
    `\`${name}=${cell(variable.example)}\``,
  ]
  return [
    ...[`### ${name}`, '', prose(variable.description), ''],
    ...[
      '| type | unit | default | must be, or exit 78 | example |',
      '| --- | --- | --- | --- | --- |',
      `| ${row.join(' | ')} |`,
      '',
    ],
    ...notes(name, variable).flatMap((note) => [`- ${note}`]),
    '',
  ]
}

/** What else there is to know of a variable. */
function notes(name: string, { alias, fills, kind, notYet }: Variable): string[] {
  const file = `${name}_FILE`
  return [
    notYet === true ? 'Not in this version: it is refused at start, never ignored.' : undefined,
    alias === undefined ? undefined : `Also taken as \`${alias}\`, XZepr's own spelling; this one wins.`,
    kind === 'secret' && ALL_VARIABLES.has(file) ? `A secret: better in a file, by ${link(file)}.` : undefined,
    fills === undefined
      ? undefined
      : `The file holds what ${link(fills)} would: ${ALL_VARIABLES.get(fills)?.right ?? ''}.`,
    MISFITS.some(({ given }) => given[name] !== undefined)
      ? 'Not beside everything: see [what must fit together](#what-must-fit-together).'
      : undefined,
    ...troubles(name),
  ].filter((note) => note !== undefined)
}

/** What a value leads to that is right in form and yet wrong: the errors whose hint names the variable. */
function troubles(name: string): string[] {
  const named = new RegExp(`\\b${name}(?!\\w)`)
  const codes = Object.entries(ERRORS).filter(([, { hint }]) => named.test(hint))
  return codes.map(
    ([code, { what }]) =>
      `Sound and yet wrong, it may be behind [\`${code}\`](error-codes.md#errors-of-the-bridge): ${what}`,
  )
}

function typeOf({ schema, kind }: Variable): string {
  if (schema.type === 'integer') return 'whole number'
  if (schema.enum !== undefined) return 'one of a list'
  return { plain: 'text', secret: 'secret', path: 'path of a file', url: 'address' }[kind ?? 'plain']
}

function misfitTable(): string {
  return ['| set | the bridge says | and |', '| --- | --- | --- |', ...MISFITS.map(misfitRow)].join('\n')
}

function misfitRow({ given, files }: Misfit): string {
  const reading = readConfig({ ...ENOUGH, ...given }, readerOf(files))
  const errors = reading.kind === 'errors' ? reading.errors : []
  const said = [
    ...errors.map(({ variable, right }) => `\`${variable}\` ${prose(right)}`),
    ...reading.warnings.map((why) => prose(why)),
  ]
  return `| ${codes(given)}${contentOf(files)} | ${said.join('<br>')} | ${errors.length > 0 ? 'exit 78' : 'goes on'} |`
}

/** What a file holds that is not as it should be; the others are as their variables ask. */
function contentOf(files: Misfit['files'] = {}): string {
  const strange = Object.values(files).filter((text) => /^(?:\w+ \w+)?$/.test(text))
  return strange.map((text) => `, the file holds ${quoted(text)}`).join('')
}

function codes(given: Misfit['given']): string {
  const set = Object.entries(given).map(([name, text]) =>
    text === undefined ? `no \`${name}\`` : `\`${name}=${cell(text)}\``,
  )
  return set.join(' ')
}

/** For a cell of a table, where a bar would end it. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

/** For running text, where `<name>` would be a tag. */
function prose(text: string): string {
  return cell(text)
    .replace(/<([\w ]+)>(\.\w+)?/g, '`<$1>$2`')
    .replaceAll('*', '\\*')
}
