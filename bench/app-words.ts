/**
 * What the benchmark and its app say to each other over the process channel.
 *
 * Only at the edges of a measurement: while events are counted the channel is silent.
 */

export type ToApp = { readonly kind: 'expect'; readonly events: number } | { readonly kind: 'read' }

export interface Tally {
  readonly events: number
  readonly requests: number
  /** From the first delivery to the last that was expected. */
  readonly tookMs: number
  /** Of the first delivery. */
  readonly contentType: string
  /** From the producer's hand to the app, in order of arrival. */
  readonly latenciesMs: readonly number[]
}

export type FromApp =
  | { readonly kind: 'up'; readonly port: number }
  | { readonly kind: 'first' | 'all' }
  | ({ readonly kind: 'tally' } & Tally)
