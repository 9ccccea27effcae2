/**
 * The events that a command line asks for, one after the other: one of its own words, or those of a file or of standard
 * input.
 *
 * They come as they are read, so a stream without an end is sent as it flows. What is wrong ends them, with the exit code
 * that belongs to it (sysexits.h).
 */
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { EmitOptions } from '../cli/emit-words.ts'
import { EX_DATAERR, EX_NOINPUT } from '../cli/exits.ts'
import { harmless } from '../cli/replay-text.ts'
import type { Draft } from './event.ts'
import { draftOf, fieldTexts } from './event.ts'
import { itemsOf, WHOLE_MAX_CHARS } from './items.ts'

/** Why nothing more comes, or can be sent. */
export interface Early {
  readonly kind: 'early'
  readonly exitCode: number
  readonly why: string
}

export type NextDraft = { readonly kind: 'draft'; readonly draft: Draft } | Early

/** @param signal ends the reading. */
export async function* draftsOf(options: EmitOptions, stdin: Readable, signal: AbortSignal): AsyncGenerator<NextDraft> {
  const { name, data = '{}', file, fields } = options
  const given = fieldTexts(fields)
  if (file === undefined) {
    yield { kind: 'draft', draft: { name: name ?? '', payload: data, fields: given } }
    return
  }
  const where = file === '-' ? 'Standard input' : harmless(file)
  const input = file === '-' ? stdin : await opened(file)
  if (typeof input === 'string') {
    yield early(EX_NOINPUT, `${where} cannot be read: ${input}.`)
    return
  }
  let broken: Early | undefined
  const read = upTo(input, (exitCode, why) => {
    broken = early(exitCode, `${where} ${why}.`)
  })
  for await (const item of itemsOf(createInterface({ input: Readable.from(read), signal }))) {
    if (broken !== undefined) break
    if (item.kind === 'wrong') {
      yield early(EX_DATAERR, `${where}: ${item.why}.`)
      return
    }
    const payload: Draft | undefined = name === undefined ? undefined : { name, payload: item.text, fields: given }
    const drafting = payload === undefined ? draftOf(item.members, given) : { kind: 'draft' as const, draft: payload }
    if (drafting.kind === 'wrong') {
      yield early(EX_DATAERR, `${where}: ${item.where} ${harmless(drafting.why)}.`)
      return
    }
    yield drafting
  }
  if (broken !== undefined) yield broken
}

/** Ends at a line that is too long (node:readline holds it until it has its end) and where nothing more can be read. */
async function* upTo(input: Readable, give: (exitCode: number, why: string) => void): AsyncGenerator<Buffer> {
  let heldBytes = 0
  try {
    for await (const chunk of input as AsyncIterable<Buffer>) {
      const end = chunk.lastIndexOf('\n')
      heldBytes = end === -1 ? heldBytes + chunk.length : chunk.length - end - 1
      if (heldBytes > WHOLE_MAX_CHARS) {
        give(EX_DATAERR, `has a line of more than ${WHOLE_MAX_CHARS} bytes`)
        return
      }
      yield chunk
    }
  } catch (error) {
    give(EX_NOINPUT, `cannot be read on: ${(error as NodeJS.ErrnoException).code ?? 'unknown failure'}`)
  }
}

/** @returns a word for why it cannot be. */
async function opened(file: string): Promise<Readable | string> {
  try {
    const handle = await open(file)
    if ((await handle.stat()).isDirectory()) {
      await handle.close()
      return 'EISDIR'
    }
    return handle.createReadStream()
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown failure'
  }
}

export function early(exitCode: number, why: string): Early {
  return { kind: 'early', exitCode, why }
}
