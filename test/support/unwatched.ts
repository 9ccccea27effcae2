/**
 * A process that the test runner does not look into: where memory is measured, or where its files are not there.
 *
 * The runner adds what loads its files at the spawn itself, whatever environment is given there; so `env` takes it away
 * again. It becomes the program, under the same pid.
 */
export function unwatched(program: string, args: readonly string[]): { program: string; args: readonly string[] } {
  const runners = Object.keys(process.env).filter((name) => /^_?TAP/.test(name))
  const without = ['NODE_OPTIONS', ...runners].flatMap((name) => ['-u', name])
  return { program: 'env', args: [...without, program, ...args] }
}
