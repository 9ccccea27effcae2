/**
 * Reads the Prefer header (RFC 7240): how long a caller is willing to wait for XZepr.
 *
 * A preference that is unknown or cannot be read is ignored, as section 2 asks; of several, the first counts.
 */

/** @returns whole seconds to wait, `maxSeconds` at most; undefined when the caller does not ask to wait. */
export function preferredWait(header: string | readonly string[] | undefined, maxSeconds: number): number | undefined {
  const all = typeof header === 'string' ? header : (header?.join(',') ?? '')
  for (const preference of all.split(',')) {
    const [, name = '', value = ''] = /^\s*([\w-]+)\s*=\s*"?([^";]*)"?/.exec(preference) ?? []
    if (name.toLowerCase() !== 'wait') continue
    const seconds = /^\d{1,15}$/.test(value.trim()) ? Number(value) : undefined
    return seconds === undefined ? undefined : Math.min(seconds, maxSeconds)
  }
  return undefined
}
