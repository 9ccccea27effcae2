/**
 * The words after `xzepr-bridge verify-app`: the app's webhook, what it is asked for, and perhaps the command that starts
 * the app.
 *
 * Nothing is done here. The URL is judged as BRIDGE_WEBHOOK_URL is.
 */
import { httpUrl } from '../config/sound.ts'
import type { Format } from '../core/delivery.ts'
import { beforeDashes } from './dev-words.ts'
import { isJsonObject } from './emit-words.ts'
import type { Flag, Show, Wrong } from './flags.ts'
import { flagNames, readFlags, wrong } from './flags.ts'
import { readSeconds, SECONDS_RIGHT } from './numbers.ts'

export interface VerifyOptions {
  readonly url: string
  /** At least one; the first is what the other checks use. */
  readonly formats: readonly Format[]
  readonly timeoutMs: number
  readonly secretFile: string | undefined
  /** 0 = any free one. */
  readonly workApiPort: number
  readonly name: string
  /** The payload, as the JSON text of an object. */
  readonly data: string
  readonly json: boolean
  /** The app's program and its arguments; empty: it runs already. */
  readonly command: readonly string[]
}

export type VerifyWords =
  { readonly kind: 'verify'; readonly options: VerifyOptions } | { readonly kind: 'help' } | Wrong

const FLAGS = {
  format: { type: 'string', multiple: true },
  timeout: { type: 'string' },
  'secret-file': { type: 'string' },
  'work-api-port': { type: 'string' },
  name: { type: 'string' },
  data: { type: 'string' },
  json: { type: 'boolean' },
} as const satisfies Record<string, Flag>

export const VERIFY_FLAGS = flagNames(FLAGS)
export const FORMATS = ['verbatim', 'structured', 'binary', 'batch'] as const satisfies readonly Format[]
export const TIMEOUT_SECONDS = 30
export const WORK_API_PORT = 8900
export const EVENT_NAME = 'deployment.success'

export function parseVerify(argv: readonly string[], show: Show): VerifyWords {
  const { own, command } = beforeDashes(argv)
  const flags = readFlags(own, FLAGS, show)
  if (flags.kind !== 'flags') return flags
  const text = (flag: keyof typeof FLAGS): string | undefined => flags.texts.get(flag)?.[0]
  const [url, more] = flags.words
  if (url === undefined) return wrong('Say the app’s webhook: xzepr-bridge verify-app http://127.0.0.1:8080/events')
  if (more !== undefined) return wrong(`\`verify-app\` takes one URL, but got ${show(more)} too.`)
  // A password may stand in it, and a CI keeps what is printed.
  const shown = url.includes('@') ? 'The app’s webhook' : show(url)
  if (!httpUrl(url)) return wrong(`${shown} must be an http or https address without a user in it.`)
  if (command?.length === 0) return wrong('Behind -- the command that starts the app is missing.')
  const formats: Format[] = []
  for (const given of (flags.texts.get('format') ?? ['verbatim']).flatMap((list) => list.split(','))) {
    const format = FORMATS.find((each) => each === given.trim())
    if (format === undefined) {
      return { ...wrong(`--format ${show(given)} is none of ${FORMATS.join(', ')}.`), given, known: FORMATS }
    }
    if (!formats.includes(format)) formats.push(format)
  }
  const timeoutMs = readSeconds(text('timeout') ?? String(TIMEOUT_SECONDS))
  if (timeoutMs === undefined) return wrong(`--timeout ${show(text('timeout') ?? '')} must be ${SECONDS_RIGHT}.`)
  const port = text('work-api-port') ?? String(WORK_API_PORT)
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) return wrong(`--work-api-port ${show(port)} is no port.`)
  const data = text('data') ?? '{}'
  if (!isJsonObject(data)) return wrong(`--data ${show(data)} must be a JSON object, such as '{"build":7}'.`)
  return {
    kind: 'verify',
    options: {
      url,
      formats,
      timeoutMs,
      secretFile: text('secret-file'),
      workApiPort: Number(port),
      name: text('name') ?? EVENT_NAME,
      data,
      json: flags.texts.has('json'),
      command: command ?? [],
    },
  }
}
