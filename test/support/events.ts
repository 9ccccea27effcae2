/** Records with events in them, written to the topic past XZepr: for loads that its API would take long to post. */
import type { NewRecord } from '../../src/dev/memory-log.ts'
import type { TestKafka } from './kafka.ts'

/** How many records go into one request. */
const TOGETHER = 1000

export interface EventOptions {
  readonly id: string
  readonly type?: string
  /** The id when absent, as XZepr has it. */
  readonly key?: string
  readonly partition?: number
  /** Text that makes the value longer. */
  readonly filling?: string
}

export function eventRecord({ id, type = 'build.done', key = id, partition, filling }: EventOptions): NewRecord {
  const event = { id, type, source: 'test', specversion: '1.0', ...(filling !== undefined && { data: { filling } }) }
  return {
    key: Buffer.from(key),
    value: Buffer.from(JSON.stringify(event)),
    ...(partition !== undefined && { partition }),
  }
}

/** Appends so many events, named by their number. */
export async function produceEvents(
  kafka: TestKafka,
  topic: string,
  count: number,
  optionsOf: (n: number) => EventOptions,
): Promise<void> {
  for (let from = 0; from < count; from += TOGETHER) {
    const length = Math.min(TOGETHER, count - from)
    await kafka.produceMany(
      topic,
      Array.from({ length }, (_, n) => eventRecord(optionsOf(from + n))),
    )
  }
}
