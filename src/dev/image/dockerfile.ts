/**
 * A Dockerfile as instructions, and .dockerignore as what it lets in: as much of both as ours use.
 *
 * The law: whatever is not understood is an error. A rehearsal that passed over a line would say that it works.
 */

export type Instruction =
  | { readonly kind: 'from'; readonly image: string; readonly name: string }
  | {
      readonly kind: 'copy'
      readonly from: string | undefined
      readonly sources: readonly string[]
      readonly to: string
    }
  | { readonly kind: 'run'; readonly script: string }
  | { readonly kind: 'workdir'; readonly path: string }
  | { readonly kind: 'env'; readonly variables: Readonly<Record<string, string>> }
  | { readonly kind: 'user'; readonly uid: number; readonly gid: number }
  | { readonly kind: 'entrypoint' | 'cmd' | 'healthcheck'; readonly command: readonly string[] }
  /** Says something about the image, and does nothing when it is built. */
  | { readonly kind: 'label' | 'arg' | 'expose'; readonly text: string }

export interface Stage {
  readonly image: string
  readonly name: string
  readonly instructions: readonly Instruction[]
}

/** @throws Error for what this does not know. */
export function parseDockerfile(text: string): readonly Stage[] {
  const stages: { image: string; name: string; instructions: Instruction[] }[] = []
  for (const line of logicalLines(text)) {
    const instruction = parseLine(line)
    if (instruction.kind === 'from') stages.push({ image: instruction.image, name: instruction.name, instructions: [] })
    else if (instruction.kind !== 'arg' || stages.length > 0) stages.at(-1)?.instructions.push(instruction)
  }
  return stages
}

/** Comments are left out, also between continued lines. */
function logicalLines(text: string): readonly string[] {
  const lines = text.split('\n').filter((line) => !/^\s*(#|$)/.test(line))
  return lines
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '')
}

function parseLine(line: string): Instruction {
  const [, word = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
  switch (word) {
    case 'FROM': {
      const [, image = '', name = ''] = /^(?:--platform=\S+ )?(\S+)(?: AS (\S+))?$/.exec(rest) ?? []
      if (image === '') break
      return { kind: 'from', image, name }
    }
    case 'COPY': {
      const [, from, paths = ''] = /^(?:--from=(\S+) )?(.*)$/.exec(rest) ?? []
      const all = paths.split(/\s+/)
      if (all.some((path) => path.startsWith('--')) || all.length < 2) break
      return { kind: 'copy', from, sources: all.slice(0, -1), to: all.at(-1) ?? '' }
    }
    case 'RUN':
      return { kind: 'run', script: rest.replace(/^(?:--mount=type=cache,\S+\s+)*/, '') }
    case 'WORKDIR':
      return { kind: 'workdir', path: rest }
    case 'ENV':
      return { kind: 'env', variables: Object.fromEntries(rest.split(' ').map((pair) => pairOf(pair, line))) }
    case 'USER': {
      const [, uid = '', gid = ''] = /^(\d+):(\d+)$/.exec(rest) ?? []
      if (uid === '') break
      return { kind: 'user', uid: Number(uid), gid: Number(gid) }
    }
    case 'ENTRYPOINT':
    case 'CMD':
      return { kind: word === 'CMD' ? 'cmd' : 'entrypoint', command: execForm(rest, line) }
    case 'HEALTHCHECK':
      return { kind: 'healthcheck', command: execForm(rest.replace(/^(?:--\S+ )*CMD /, ''), line) }
    case 'LABEL':
    case 'ARG':
    case 'EXPOSE':
      return { kind: word === 'LABEL' ? 'label' : word === 'ARG' ? 'arg' : 'expose', text: rest }
  }
  throw new Error(`The rehearsal does not know this line of the Dockerfile: ${line}`)
}

function pairOf(pair: string, line: string): readonly [string, string] {
  const [, name = '', value = ''] = /^(\w+)=([^"']*)$/.exec(pair) ?? []
  if (name === '') throw new Error(`The rehearsal does not know this line of the Dockerfile: ${line}`)
  return [name, value]
}

/** An image without a shell has no use for any other form. */
function execForm(text: string, line: string): readonly string[] {
  if (!text.startsWith('[')) throw new Error(`Without a shell this must be a JSON array of words: ${line}`)
  return JSON.parse(text) as string[]
}

/** What of the clone a build may see: the names that a .dockerignore of `*` and `!name` lets in. */
export function letIn(dockerignore: string): readonly string[] {
  const lines = dockerignore.split('\n').filter((line) => !/^\s*(#|$)/.test(line))
  const names = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
  if (lines[0] !== '*' || names.length !== lines.length - 1 || names.some((name) => /[*/]/.test(name)))
    throw new Error('The rehearsal knows only a .dockerignore of `*` and `!name`.')
  return names
}
