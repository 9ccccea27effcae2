/**
 * The account of a pod that is gone, and of the one that comes after it.
 *
 *   posted = settled + left      settled: its one ending is in XZepr's journal     left: goes to the successor, and nothing else
 *
 * It is drawn up from the neighbours alone: XZepr's journal, the group's commits as Kafka has them, what the apps were given.
 */
import type { Test } from 'tap'
import { settledBy } from '../group.ts'
import type { World } from '../world.ts'
import type { RehearsedPod } from './pod.ts'
import { makePod } from './pod.ts'

/** By work id: how often it was attempted so far, as the commit says. */
export type Left = ReadonlyMap<string, number>

/** What became of the records when nothing of the pod runs any more. @returns what is left for the next pod. */
export async function closeBooks(t: Test, world: World, ids: readonly string[]): Promise<Left> {
  const settled = await settledBy(world.kafka, world.group, world.topic)
  const endings = endingsIn(world)
  const left = new Map<string, number>()
  for (const id of ids) {
    const place = world.places.get(id)
    if (place === undefined) throw new Error(`XZepr has not published ${id}`)
    const committed = settled.of(place.partition)
    if (!committed.has(place.offset)) left.set(id, committed.attemptsOf(place.offset))
  }
  t.same(
    ids.filter((id) => !left.has(id) && endings.get(id)?.length !== 1),
    [],
    'nothing is committed unfinished: what is settled has its one ending in XZepr',
  )
  t.same(
    ids.filter((id) => left.has(id) && endings.has(id)),
    [],
    'what has ended is not left to be done again',
  )
  return left
}

/** The next pod gets exactly what was left, goes on counting, and then everything has ended once. */
export async function holdSuccessor(t: Test, world: World, ids: readonly string[], left: Left): Promise<void> {
  const pod = await makePod(t, world, { form: 'native' })
  await pod.kubelet.start()
  await world.until('the next pod has committed all', async () => {
    return ids.every((id) => endingsIn(world).has(id)) && world.allCommitted()
  })
  t.strictSame(byId(attempts(pod)), byId(left), 'the next pod gets exactly what was left, with its attempts')
  t.same(await closeBooks(t, world, ids), new Map(), 'nothing is lost')
  t.same(
    ids.filter((id) => world.told('started').filter((told) => told === id).length === 0),
    [],
    'each was begun',
  )
}

/** By work id: how often each was attempted before this pod. @throws where the app got one twice. */
function attempts({ deliveries }: RehearsedPod): Left {
  const before = new Map(deliveries.map(({ workId, attempt }) => [workId, attempt - 1]))
  if (before.size !== deliveries.length) throw new Error(`given twice: ${JSON.stringify(deliveries)}`)
  return before
}

function byId(left: Left): [string, number][] {
  return [...left].sort(([a], [b]) => a.localeCompare(b))
}

/** By work id: the endings that XZepr has. */
function endingsIn(world: World): Map<string, string[]> {
  const endings = new Map<string, string[]>()
  for (const status of ['completed', 'failed'] as const)
    for (const id of world.told(status)) endings.set(id, [...(endings.get(id) ?? []), status])
  return endings
}
