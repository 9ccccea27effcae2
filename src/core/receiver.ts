/**
 * Our receiver in XZepr's list: read page by page, decided when the list ends.
 *
 * XZepr lets no one ask by name, and two pods that race may both create one. So the whole list is read, and of those
 * that match by exact name and type the smallest id is ours: pods that raced agree. Builds differ in the list's end
 * (one ignores `offset` and says `has_more` for ever), so a page that brings nothing new ends it too.
 */

export interface WantedReceiver {
  readonly name: string
  readonly type: string
}

/** XZepr takes 1 to 1000; a schema may be large, so a page is not. */
const PAGE_LIMIT = 100
/** 100,000 receivers. Beyond it a list is taken for one without an end. */
const PAGES_MAX = 1000

export class ReceiverList {
  readonly #wanted: WantedReceiver
  readonly #seen = new Set<string>()
  #pages = 0
  #limit = PAGE_LIMIT
  #ended = false
  #ours: string | undefined

  constructor(wanted: WantedReceiver) {
    this.#wanted = wanted
  }

  /** What to ask for next; undefined when the list has ended. */
  get page(): { readonly limit: number; readonly offset: number } | undefined {
    return this.#ended ? undefined : { limit: this.#limit, offset: this.#seen.size }
  }

  /** The smallest id that matches, of the pages read so far. */
  get ours(): string | undefined {
    return this.#ours
  }

  /** The page was too large to read. @returns false when it cannot be made smaller. */
  smaller(): boolean {
    if (this.#limit === 1) return false
    this.#limit = Math.ceil(this.#limit / 10)
    return true
  }

  /** Takes a page in. @returns why it is no page of receivers, or undefined. */
  read(body: string): string | undefined {
    let page: unknown
    try {
      page = JSON.parse(body)
    } catch {
      page = undefined
    }
    const receivers = member(page, 'data')
    if (!Array.isArray(receivers)) return 'the list of receivers is not XZepr’s: does XZEPR_API_URL name XZepr?'
    const before = this.#seen.size
    for (const receiver of receivers) this.#note(receiver)
    this.#pages += 1
    const more = member(member(page, 'pagination'), 'has_more') !== false
    this.#ended = !more || this.#seen.size === before || this.#pages >= PAGES_MAX
    return undefined
  }

  #note(receiver: unknown): void {
    const id = member(receiver, 'id')
    if (typeof id !== 'string' || id === '') return
    this.#seen.add(id)
    if (member(receiver, 'name') !== this.#wanted.name || member(receiver, 'type') !== this.#wanted.type) return
    if (this.#ours === undefined || id < this.#ours) this.#ours = id
  }
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return (value as Readonly<Record<string, unknown>>)[name]
}
