/**
 * Gauges: how the bridge stands when it is asked, from one snapshot.
 *
 * Topic and partition are the only labels that come from outside; the assignment bounds them, and a partition that has
 * moved away is forgotten with it.
 */
import type { Registry } from 'prom-client'
import { Gauge } from 'prom-client'
import type { Snapshot } from '../core/snapshot.ts'

export function gauges(registry: Registry): (snapshot: Snapshot) => void {
  const registers = [registry]
  const gauge = (name: string, help: string) => new Gauge({ name: `xzepr_bridge_${name}`, help, registers })
  const perPartition = (name: string, help: string) =>
    new Gauge({ name: `xzepr_bridge_${name}`, help, labelNames: ['topic', 'partition'], registers })

  const works = new Gauge({
    name: 'xzepr_bridge_works',
    help: 'Works in hand by state: waiting, attempting (in flight), resting, running (accepted by the app). Where does the work stand?',
    labelNames: ['state'],
    registers,
  })
  const heldBytes = gauge('held_bytes', 'Bytes of records held in memory. Is the bound near?')
  const backlogEvents = gauge(
    'report_backlog_events',
    'Lifecycle events that XZepr does not have yet. Is XZepr behind?',
  )
  const backlogBytes = gauge(
    'report_backlog_bytes',
    'Bytes of lifecycle events that XZepr does not have yet. How much memory do they take?',
  )
  const gateOpen = gauge('gate_open', '1 while deliveries go to the app, 0 while it is away. Is the app there?')
  const oldest = gauge(
    'oldest_unsettled_age_seconds',
    'How long the oldest unsettled record is in hand, in seconds; 0 for none. Is something stuck?',
  )
  const assigned = gauge('assigned_partitions', 'Partitions that are ours. Does it read anything?')
  const paused = gauge(
    'paused_partitions',
    'Partitions that are ours and paused, because enough is held. Is the app the bottleneck?',
  )
  const lag = perPartition('lag_records', 'Records of the partition that are not committed yet. Does it keep up?')
  const unsettled = perPartition(
    'unsettled_records',
    'Records of the partition in hand and not settled. What holds its offset?',
  )

  return (now) => {
    works.labels('waiting').set(now.waiting)
    works.labels('attempting').set(now.inFlight)
    works.labels('resting').set(now.resting)
    works.labels('running').set(now.running)
    heldBytes.set(now.heldBytes)
    backlogEvents.set(now.reportBacklog.events)
    backlogBytes.set(now.reportBacklog.bytes)
    gateOpen.set(now.gateOpen ? 1 : 0)
    oldest.set((now.oldestUnsettledMs ?? 0) / 1000)
    assigned.set(now.partitions.length)
    paused.set(now.partitions.filter((each) => each.paused).length)
    // A partition that moved away must not go on reporting its last lag.
    lag.reset()
    unsettled.reset()
    for (const each of now.partitions) {
      const labels = [each.topic, String(each.partition)] as const
      if (each.lag !== undefined) lag.labels(...labels).set(Number(each.lag))
      unsettled.labels(...labels).set(each.unsettled)
    }
  }
}
