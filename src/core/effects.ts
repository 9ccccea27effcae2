/**
 * What a transition of a work asks for, in the order in which it must happen.
 *
 * Bookings change the core's own books (in-hand.ts). Effects are what the core decided and cannot do itself: bridge.ts
 * has the one switch that carries them out, checked for completeness.
 */
import type { DeadLetter } from './dead-letter.ts'
import type { Ending, JournalEntry } from './journal.ts'
import type { JsonMembers } from './json.ts'
import type { Work, WorkReport } from './work.ts'

export type Effect =
  /** POST the event to the app. */
  | { readonly kind: 'send'; readonly work: Work }
  /** Hand a lifecycle event to the reporter; `report` takes the outcome. */
  | { readonly kind: 'tell'; readonly work: Work; readonly report: WorkReport; readonly details: JsonMembers }
  /** Come back to this work at an instant, or never; an earlier wish of the same work is forgotten. */
  | { readonly kind: 'wake'; readonly work: Work; readonly atMs: number | undefined }
  /** Nothing more is owed for its record: the offset may be committed. */
  | { readonly kind: 'settle'; readonly work: Work; readonly ending: Ending }
  /** Write its dead letter; `buried` when it is written. */
  | { readonly kind: 'bury'; readonly work: Work; readonly letter: DeadLetter }
  /** Put it into the journal. */
  | { readonly kind: 'note'; readonly entry: JournalEntry }

export type Booking =
  /** It may be sent again, after those that wait already. */
  | { readonly kind: 'line-up'; readonly work: Work }
  /** It rests until its wake: it holds its lanes and frees its slot. */
  | { readonly kind: 'rest'; readonly work: Work }
  /** The app has it: it holds its lanes and frees its slot. */
  | { readonly kind: 'run'; readonly work: Work }
  /** Its ending is known; only reports and a dead letter may still be owed. */
  | { readonly kind: 'end'; readonly work: Work }
  /** Its record is held no more. */
  | { readonly kind: 'release'; readonly work: Work }
  /** Those behind it in its order lane may go. */
  | { readonly kind: 'let-pass'; readonly work: Work }
  /** No call is out and nothing is owed: it leaves every lane and the registry. */
  | { readonly kind: 'forget'; readonly work: Work }

export type Step = Effect | Booking
