/**
 * The log: one JSON line for each thing the journal says.
 *
 * `event` is the entry's stable name, for machines; `msg` is a sentence for a person: what happened, to which record,
 * what the bridge does about it. Only the fields that the entry's line names (log/lines.ts) are written, whatever else
 * an object carries. Texts from outside are cut; JSON escapes what could garble a terminal.
 */
import type { DestinationStream, LoggerOptions } from 'pino'
import { pino, stdTimeFunctions } from 'pino'
import type { Journal, JournalEntry } from './core/journal.ts'
import type { Line, LineLevel } from './log/lines.ts'
import { LINES } from './log/lines.ts'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
/** Longer texts are cut: an app's error may be a page. */
export const TEXT_MAX_CHARS = 1024

export interface LogLine {
  readonly level: LineLevel
  readonly fields: Readonly<Record<string, string | number | boolean>>
  readonly msg: string
}

/** The line of an entry: its level, its own fields and the sentence. */
export function lineOf(entry: JournalEntry): LogLine {
  const line = tableLine(entry)
  const fields: Record<string, string | number | boolean> = { event: entry.name }
  for (const name of Object.keys(line.fields)) {
    const value: unknown = Reflect.get(entry, name)
    // `service` stands on every line already; twice would be two members of one name.
    if (name === 'service') continue
    if (typeof value === 'string') fields[name] = harmless(value)
    else if (typeof value === 'bigint') fields[name] = value.toString()
    else if (typeof value === 'number' || typeof value === 'boolean') fields[name] = value
  }
  return { level: levelOf(entry), fields, msg: harmless(line.say(entry)) }
}

export function levelOf(entry: JournalEntry): LineLevel {
  const { level } = tableLine(entry)
  return typeof level === 'function' ? level(entry) : level
}

/** TypeScript cannot see that the name picks the line of that very entry; the table's type has seen to it. */
function tableLine(entry: JournalEntry): Line<JournalEntry> {
  return LINES[entry.name] as Line<JournalEntry>
}

/** Cut, and without the control characters that JSON leaves as they are: C1 begins escape sequences too. */
function harmless(text: string): string {
  const cut = text.length > TEXT_MAX_CHARS ? `${text.slice(0, TEXT_MAX_CHARS)}…` : text
  return cut.replace(/[\u007f-\u009f]/g, '\ufffd')
}

export interface LogOptions {
  readonly level: LogLevel
  readonly service: string
}

export function pinoOptions({ level, service }: LogOptions): LoggerOptions {
  return {
    level,
    base: { service },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  }
}

/** A journal that writes lines. @param destination standard output when absent. */
export function createLog(options: LogOptions, destination?: DestinationStream): Journal {
  const logger = destination === undefined ? pino(pinoOptions(options)) : pino(pinoOptions(options), destination)
  return (entry) => {
    // Most entries are said for every record and written for none: look before building a line.
    if (!logger.isLevelEnabled(levelOf(entry))) return
    const line = lineOf(entry)
    logger[line.level](line.fields, line.msg)
  }
}
