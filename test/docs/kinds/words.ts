/**
 * A block of shell taken apart into its commands, as far as the laws need it.
 *
 * Quotes, continuation lines, comments, here-documents, pipes, lists and `$(…)` are known; what else a shell can is left to
 * `bash -n`. A command inside `$(…)` is a command of its own, and stands as `$` in the one around it.
 */

/** Variables that were set before a command, and its words. */
export interface Command {
  readonly words: readonly string[]
  readonly variables: ReadonlyMap<string, string>
}

export function commandsIn(script: string): Command[] {
  const variables = new Map<string, string>()
  return taken(withoutHereDocuments(script).replaceAll('\\\n', ' '), variables)
}

function withoutHereDocuments(script: string): string {
  return script.replace(/<<-?\s*'?(\w+)'?([^\n]*)\n[\s\S]*?\n\s*\1(?=\n|$)/g, '$2')
}

function taken(script: string, variables: Map<string, string>): Command[] {
  const commands: Command[] = []
  let [words, word]: [string[], string | undefined] = [[], undefined]
  const endWord = (): void => {
    if (word !== undefined) words.push(word)
    word = undefined
  }
  const endCommand = (): void => {
    endWord()
    while (words[0] !== undefined && /^\w+=/.test(words[0])) {
      const [assignment = ''] = words.splice(0, 1)
      const at = assignment.indexOf('=')
      variables.set(assignment.slice(0, at), expanded(assignment.slice(at + 1), variables))
    }
    if (words.length > 0)
      commands.push({ words: words.map((each) => expanded(each, variables)), variables: new Map(variables) })
    words = []
  }
  let quote = ''
  for (let at = 0; at < script.length; at += 1) {
    const char = script[at] ?? ''
    if (char === '$' && script[at + 1] === '(' && quote !== "'") {
      const end = closing(script, at + 1)
      commands.push(...taken(script.slice(at + 2, end), variables))
      word = `${word ?? ''}$`
      at = end
    } else if (quote !== '') {
      if (char === quote) quote = ''
      else word = `${word ?? ''}${char === '$' && quote === "'" ? '\u0000' : char}`
    } else if (char === "'" || char === '"') {
      quote = char
      word ??= ''
    } else if (char === '\\') {
      at += 1
      word = `${word ?? ''}${script[at] ?? ''}`
    } else if (char === '#' && word === undefined) {
      const end = script.indexOf('\n', at)
      at = end === -1 ? script.length : end - 1
    } else if (char === '\n' || char === ';' || char === '|' || char === '&') endCommand()
    else if (/\s/.test(char)) endWord()
    else word = `${word ?? ''}${char}`
  }
  endCommand()
  return commands
}

/** Where the parenthesis that opens at `from` closes; quotes within are passed over. */
function closing(script: string, from: number): number {
  let [depth, quote] = [0, '']
  for (let at = from; at < script.length; at += 1) {
    const char = script[at] ?? ''
    if (quote !== '') quote = char === quote ? '' : quote
    else if (char === "'" || char === '"') quote = char
    else if (char === '(') depth += 1
    else if (char === ')' && --depth === 0) return at
  }
  throw new Error(`a parenthesis without an end: ${script.slice(from)}`)
}

/** Variables that the block itself has set; any other stays as it is. */
function expanded(word: string, variables: ReadonlyMap<string, string>): string {
  return word.replace(/\$\{?(\w+)\}?/g, (whole, name: string) => variables.get(name) ?? whole).replaceAll('\u0000', '$')
}
