/**
 * Is the consumer still alive, judged by what comes back from Kafka.
 *
 * A connection that died without a word looks healthy from inside: heartbeats have their own connection, and KafkaJS
 * never gives up on a silent one. With partitions to read a fetch is answered every few hundred milliseconds, also when
 * there is nothing new; so a long silence is a stall. Where nothing is to be read (no partition, or all paused) silence
 * means nothing; while the group rejoins, the others may take as long as the group allows.
 */
export class Pulse {
  readonly #stallMs: number
  readonly #rebalanceMs: number
  #aliveAtMs: number
  #joining = true

  /** @param rebalanceMs how long a rejoin of the group may take. */
  constructor(nowMs: number, stallMs: number, rebalanceMs: number) {
    this.#aliveAtMs = nowMs
    this.#stallMs = stallMs
    this.#rebalanceMs = rebalanceMs
  }

  /** Kafka answered a fetch. */
  fetched(nowMs: number): void {
    this.#aliveAtMs = nowMs
  }

  joining(nowMs: number): void {
    this.#joining = true
    this.#aliveAtMs = nowMs
  }

  joined(nowMs: number): void {
    this.#joining = false
    this.#aliveAtMs = nowMs
  }

  /** @param reading whether a partition is there to be read and not paused. */
  stalled(nowMs: number, reading: boolean): boolean {
    if (!this.#joining && !reading) this.#aliveAtMs = nowMs
    return nowMs - this.#aliveAtMs >= this.#stallMs + (this.#joining ? this.#rebalanceMs : 0)
  }
}
