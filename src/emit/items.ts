/**
 * Events as they are written down: lines of JSON, one JSON object, or an array of them.
 *
 *   line ─▶ an object ─▶ an item           at once, so that standard input may be a stream without an end
 *        ─▶ an array  ─▶ its elements
 *        ─▶ neither, and the first ─▶ the whole is one JSON text over several lines
 *
 * Numbers keep their digits: what is read is written again as it stood.
 */
import { isLosslessNumber, parse, stringify } from 'lossless-json'
import type { JsonMembers, JsonText } from '../core/json.ts'

export type Item =
  | { readonly kind: 'item'; readonly text: JsonText; readonly members: JsonMembers; readonly where: string }
  /** What is wrong, and where, as the end of a sentence. */
  | { readonly kind: 'wrong'; readonly why: string }

/** A text is held whole while it is read, and takes thirty times its length then. How many there are does not matter. */
export const WHOLE_MAX_CHARS = 33_554_432

/** Every item in order; behind one that is wrong nothing follows. */
export async function* itemsOf(lines: AsyncIterable<string>, wholeMaxChars = WHOLE_MAX_CHARS): AsyncGenerator<Item> {
  const whole: string[] = []
  let wholeChars = 0
  let begun = false
  let at = 0
  for await (const line of lines) {
    at += 1
    const text = at === 1 ? line.replace(/^\ufeff/, '') : line
    if (whole.length > 0) {
      wholeChars += text.length
      if (wholeChars > wholeMaxChars) {
        yield wrong(`it is one text of more than ${wholeMaxChars} characters`)
        return
      }
      whole.push(text)
      continue
    }
    if (text.trim() === '') continue
    const value = read(text)
    if (value === undefined && begun) {
      yield wrong(`line ${at} is no JSON`)
      return
    }
    if (value === undefined) whole.push(text)
    else if (!(yield* eachOf(value, `line ${at}`))) return
    begun = true
  }
  if (whole.length === 0) return
  const value = read(whole.join('\n'))
  if (value === undefined) yield wrong('it is no JSON: neither one text nor a text on each line')
  else yield* eachOf(value, 'it')
}

/** @returns whether all of it are objects. */
function* eachOf(value: unknown, where: string): Generator<Item, boolean> {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  for (const [index, each] of values.entries()) {
    const place = Array.isArray(value) ? `element ${index + 1} of ${where === 'it' ? 'the array' : where}` : where
    if (!isObject(each)) {
      yield wrong(`${place} is no JSON object`)
      return false
    }
    const members = new Map(Object.entries(each).map(([name, member]) => [name, textOf(member)]))
    yield { kind: 'item', text: textOf(each), members, where: place }
  }
  return true
}

/** Undefined where it is no JSON. */
function read(text: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    // A nest too deep for the stack is one that XZepr refuses as well.
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined
    throw error
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value)
}

function textOf(value: unknown): JsonText {
  return stringify(value) ?? 'null'
}

function wrong(why: string): Item {
  return { kind: 'wrong', why }
}
