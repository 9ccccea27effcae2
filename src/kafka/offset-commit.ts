/**
 * One offset commit, and the broker's answer to each of its partitions.
 *
 * A broker judges every partition of a commit by itself and stores the others. KafkaJS throws the first error that it
 * finds in the answer and drops the rest, so that nobody could tell which partition was refused. Here the same request
 * goes out through the same connection, and KafkaJS's own reading is done once for each partition.
 */
import { partitionName } from '../core/record.ts'

/** One topic of an offset commit; the types of KafkaJS leave the metadata out, the protocol does not. */
export interface TopicCommits {
  readonly topic: string
  readonly partitions: { readonly partition: number; readonly offset: string; readonly metadata: string }[]
}

export interface OffsetCommit {
  readonly groupId: string
  readonly memberId: string
  readonly groupGenerationId: number
  readonly topics: readonly TopicCommits[]
}

/** By the partition's name: undefined where the offset is stored, else KafkaJS's error for Kafka's code. */
export type CommitAnswers = ReadonlyMap<string, Error | undefined>

interface Decoded {
  readonly responses: readonly {
    readonly topic: string
    readonly partitions: readonly { readonly partition: number; readonly errorCode: number }[]
  }[]
}
interface Exchange {
  readonly request: unknown
  readonly response: { readonly parse: (decoded: Decoded) => Promise<unknown> }
}
/** What is used of KafkaJS's broker, beyond what its types admit (patches.ts holds the version). */
export interface CommitBroker {
  /** Finds the version of a request that both sides speak. */
  lookupRequest(apiKey: number, definitions: unknown): (fields: unknown) => Exchange
  offsetCommit(request: OffsetCommit): Promise<unknown>
}

/** Sends one request, never repeated. Rejects when no answer can be had. */
export async function commitOffsets(broker: CommitBroker, commit: OffsetCommit): Promise<CommitAnswers> {
  const lookupRequest: CommitBroker['lookupRequest'] = (apiKey, definitions) => {
    const exchange = broker.lookupRequest(apiKey, definitions)
    return (fields) => {
      const { request, response } = exchange(fields)
      return { request, response: { ...response, parse: (decoded) => parseEach(decoded, response.parse) } }
    }
  }
  // The broker itself but for this one reading: KafkaJS's own commits (an offset out of range) must still throw.
  const each = Object.create(broker, { lookupRequest: { value: lookupRequest } }) as CommitBroker
  return (await each.offsetCommit(commit)) as CommitAnswers
}

async function parseEach({ responses }: Decoded, parse: Exchange['response']['parse']): Promise<CommitAnswers> {
  const answers = new Map<string, Error | undefined>()
  for (const { topic, partitions } of responses) {
    for (const answer of partitions) {
      const alone = parse({ responses: [{ topic, partitions: [answer] }] })
      const error = await alone.then(
        () => undefined,
        (thrown: unknown) => (thrown instanceof Error ? thrown : new Error(String(thrown))),
      )
      answers.set(partitionName({ topic, partition: answer.partition }), error)
    }
  }
  return answers
}
