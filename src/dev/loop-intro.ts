/**
 * What the local loop says at its start: what runs where, and what to type next.
 *
 * Pure text. Every address is one that can be called from another terminal, every command one that can be pasted.
 */

export interface Intro {
  readonly version: string
  readonly service: string
  /** How this program is called, such as `xzepr-bridge` or `node dist/main.js`. */
  readonly program: string
  readonly xzeprUrl: string
  readonly workApiUrl: string
  readonly opsUrl: string
  readonly webhookUrl: string
  /** Empty when somebody else starts the app. */
  readonly command: readonly string[]
  /** Where events go, in words. */
  readonly log: string
  readonly readyMs: number
  /** `emit` finds this loop by itself. */
  readonly isFound: boolean
}

export interface Emphasis {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
}

export function introLines(intro: Intro, { bold, dim }: Emphasis): string[] {
  const { command, program } = intro
  const app = command.length === 0 ? 'is waited for: start it there' : command.join(' ')
  const rows: readonly (readonly [string, string, string])[] = [
    ['XZepr', intro.xzeprUrl, `a stand-in; its events go to ${intro.log}`],
    ['bridge', intro.opsUrl, `status and metrics; the service is ${intro.service}`],
    ['reports', intro.workApiUrl, 'the app’s WORK_API_URL: POST /work/<work-id>/completed'],
    ['app', intro.webhookUrl, app],
  ]
  const columns = Math.max(...rows.map(([, url]) => url.length))
  return [
    `${bold('xzepr-bridge dev')} ${intro.version}`,
    '',
    ...rows.map(
      ([what, url, about]) => `  ${what.padEnd(7)}  ${bold(url)}${' '.repeat(columns - url.length)}  ${dim(about)}`,
    ),
    '',
    `Ready in ${(intro.readyMs / 1000).toFixed(2)} s. Next, in another terminal:`,
    '',
    ...(intro.isFound ? [`  ${program} emit deployment.success --wait`] : []),
    `  curl -s ${intro.workApiUrl}/work`,
    '',
    'Ctrl-C ends it.',
    '',
  ]
}
