/**
 * The lines of the log: for each entry of the journal its level, its fields and its sentence.
 *
 * The table is closed: TypeScript refuses an entry without a line and a field without a name here.
 *
 *   every record, every attempt    debug     the group, partitions, the gate opening, rests    info
 *   an ending in failure           warn      what somebody must look at                        error
 */
import type { JournalEntry, JournalName } from '../core/journal.ts'
import { coordinates, partitionName } from '../core/record.ts'

export type LineLevel = 'debug' | 'info' | 'warn' | 'error'

export type Entry<N extends JournalName> = Extract<JournalEntry, { readonly name: N }>

export interface Line<E extends JournalEntry> {
  readonly level: LineLevel | ((entry: E) => LineLevel)
  /** The entry's own fields, every one: what is not here is not written. */
  readonly fields: Readonly<Record<Exclude<keyof E, 'name'>, true>>
  readonly say: (entry: E) => string
}

const OF_PARTITION = { topic: true, partition: true } as const
const OF_RECORD = { ...OF_PARTITION, offset: true } as const
const OF_WORK = { ...OF_RECORD, workId: true } as const
const OF_STOCK = { ...OF_PARTITION, waitingBytes: true, readyWorks: true } as const
const HAND = { who: true, why: true } as const
const PROBLEM = { code: true, why: true, hint: true } as const

export const LINES: { readonly [N in JournalName]: Line<Entry<N>> } = {
  'bridge.started': {
    level: 'info',
    fields: { service: true, version: true, workApiPort: true, opsPort: true },
    say: (e) =>
      `The bridge of ${e.service} has started, version ${e.version}: work API on port ${e.workApiPort}, ops on ${e.opsPort}.`,
  },
  'bridge.draining': {
    level: 'info',
    fields: { inHand: true },
    say: (e) => `Draining: no new work is taken; ${e.inHand} in hand may still end and report.`,
  },
  'bridge.drained': {
    level: (e) => (e.works + e.reports > 0 ? 'warn' : 'info'),
    fields: { unsettled: true, works: true, reports: true },
    say: (e) =>
      e.works + e.reports === 0
        ? `Drained: the group is left, and the bridge waits for SIGTERM; ${e.unsettled} records come again elsewhere.`
        : `The grace is over: ${e.works} works have not ended and ${e.reports} reports are owed; ${e.unsettled} records come again elsewhere. The group is left, and the bridge waits for SIGTERM.`,
  },
  'bridge.stopped': {
    level: (e) => (e.unsettled + e.owed > 0 ? 'warn' : 'info'),
    fields: { unsettled: true, owed: true },
    say: (e) =>
      e.unsettled + e.owed === 0
        ? 'The bridge has stopped; nothing is owed.'
        : `The bridge has stopped; ${e.unsettled} records unsettled and ${e.owed} reports owed come again elsewhere.`,
  },
  'letter.left-unwritten': {
    level: 'warn',
    fields: OF_RECORD,
    say: (e) =>
      `The dead letter of ${coordinates(e)} is not written; its record comes again and becomes one elsewhere.`,
  },
  'work.left-unsettled': {
    level: 'warn',
    fields: { ...OF_WORK, state: true, attempt: true },
    say: (e) => `Work ${e.workId} (${coordinates(e)}) is left ${e.state}; its record comes again.`,
  },
  'partition.assigned': {
    level: 'info',
    fields: { ...OF_PARTITION, committed: true },
    say: (e) =>
      e.committed === undefined
        ? `Partition ${partitionName(e)} is ours; the group has no offset there yet.`
        : `Partition ${partitionName(e)} is ours, from offset ${e.committed}.`,
  },
  'partition.revoked': {
    level: 'info',
    fields: { ...OF_PARTITION, unsettled: true },
    say: (e) => `Partition ${partitionName(e)} is no longer ours; ${e.unsettled} unsettled records go with it.`,
  },
  'partition.paused': {
    level: 'debug',
    fields: OF_STOCK,
    say: (e) => `Partition ${partitionName(e)} is paused: ${stockOf(e)}.`,
  },
  'partition.resumed': {
    level: 'debug',
    fields: OF_STOCK,
    say: (e) => `Partition ${partitionName(e)} goes on: ${stockOf(e)}.`,
  },
  'record.received': { level: 'debug', fields: OF_RECORD, say: (e) => `Record ${coordinates(e)} was received.` },
  'record.poison': {
    level: 'error',
    fields: { ...OF_RECORD, why: true },
    say: (e) => `Record ${coordinates(e)} cannot be read and is passed over: ${e.why}.`,
  },
  'record.passed-over': {
    level: 'debug',
    fields: { ...OF_RECORD, why: true },
    say: (e) => `Record ${coordinates(e)} is not for the app: ${e.why}.`,
  },
  'attempt.started': {
    level: 'debug',
    fields: { ...OF_WORK, attempt: true, eventType: true },
    say: (e) => `Attempt ${e.attempt} of work ${e.workId} (${coordinates(e)}) goes to the app.`,
  },
  'attempt.answered': {
    level: 'debug',
    fields: { ...OF_WORK, attempt: true, answer: true, why: true, tookMs: true },
    say: (e) => `The app answered attempt ${e.attempt} of work ${e.workId} with ${e.answer}: ${e.why}.`,
  },
  'work.resting': {
    level: 'info',
    fields: { ...OF_WORK, attempt: true, why: true, restMs: true },
    say: (e) => `Work ${e.workId} rests ${e.restMs} ms after attempt ${e.attempt}: ${e.why}.`,
  },
  'work.lease-out': {
    level: 'warn',
    fields: { ...OF_WORK, attempt: true },
    say: (e) => `The app has been silent about work ${e.workId} for too long; attempt ${e.attempt} has failed.`,
  },
  'work.reported': {
    level: 'debug',
    fields: { ...OF_WORK, report: true },
    say: (e) => `The app reported ${e.report} for work ${e.workId}.`,
  },
  'work.ended': {
    level: (e) => (e.ending === 'failed' ? 'warn' : e.ending === 'poison' ? 'error' : 'debug'),
    fields: { ...OF_WORK, ending: true, attempt: true, why: true },
    say: (e) => `Work ${e.workId} (${coordinates(e)}) has ended ${e.ending} at attempt ${e.attempt}: ${e.why}.`,
  },
  'report.stored': {
    level: 'debug',
    fields: { workId: true, status: true, eventId: true },
    say: (e) => `XZepr has ${e.status} of work ${e.workId} as event ${e.eventId}.`,
  },
  'report.given-up': {
    level: 'error',
    fields: { workId: true, status: true, why: true },
    say: (e) => `XZepr will not have ${e.status} of work ${e.workId}; it is given up: ${e.why}.`,
  },
  'record.dead-lettered': {
    level: 'warn',
    fields: {
      ...OF_RECORD,
      reason: true,
      attempts: true,
      why: true,
      letterTopic: true,
      letterPartition: true,
      letterOffset: true,
    },
    say: (e) =>
      `Record ${coordinates(e)} is a dead letter (${e.reason}) at ${e.letterTopic}/${e.letterPartition}/${e.letterOffset}: ${e.why.replace(/\.$/, '')}.`,
  },
  'dead-letter.cut': {
    level: 'error',
    fields: { ...OF_RECORD, leftOut: true, why: true },
    say: (e) =>
      `The dead letter of record ${coordinates(e)} is not whole: ${e.why} Raise max.message.bytes of the topic of dead letters, 4096 above that of the source.`,
  },
  'record.settled': {
    level: 'debug',
    fields: { ...OF_RECORD, ending: true },
    say: (e) => `Record ${coordinates(e)} is settled: ${e.ending}.`,
  },
  'gate.closed': {
    level: 'warn',
    fields: { why: true },
    say: (e) =>
      `The app is away (${e.why}): deliveries wait and no attempt is counted. ` +
      'It should listen at BRIDGE_WEBHOOK_URL, and be well at BRIDGE_APP_HEALTH_URL where that is set.',
  },
  'gate.opened': {
    level: 'info',
    fields: { closedMs: true },
    say: (e) => `The app is back after ${e.closedMs} ms; deliveries go on.`,
  },
  'lever.paused': {
    level: 'warn',
    fields: HAND,
    say: (e) => `Deliveries are paused by ${e.who}: ${e.why}. Works in hand may end; resume lets the others go on.`,
  },
  'lever.resumed': { level: 'warn', fields: HAND, say: (e) => `Deliveries are resumed by ${e.who}: ${e.why}.` },
  'lever.settled': {
    level: 'warn',
    fields: { ...OF_WORK, ...HAND },
    say: (e) => `Work ${e.workId} (${coordinates(e)}) was let go of by ${e.who} and will not come again: ${e.why}.`,
  },
  'lever.drain': { level: 'warn', fields: HAND, say: (e) => `A drain was asked for by ${e.who}: ${e.why}.` },
  'offset.committed': {
    level: 'debug',
    fields: { ...OF_RECORD, mapChars: true },
    say: (e) =>
      `Partition ${partitionName(e)} is committed up to offset ${e.offset}; a map of ${e.mapChars} characters tells what is settled beyond it.`,
  },
  'offset-map.cut': {
    level: 'warn',
    fields: OF_RECORD,
    say: (e) =>
      `The offset map of ${partitionName(e)} from offset ${e.offset} on does not fit into a commit: a crash now would deliver some settled records again. Fresh records of the partition wait until it fits.`,
  },
  'offset-map.ignored': {
    level: 'warn',
    fields: { ...OF_RECORD, why: true },
    say: (e) =>
      `What stands beside the committed offset ${e.offset} of ${partitionName(e)} is no offset map of the bridge (${e.why}): all records from there on are delivered, some perhaps again.`,
  },
  'commit.refused': {
    level: 'warn',
    fields: { ...OF_RECORD, why: true },
    say: (e) =>
      `Offset ${e.offset} of ${partitionName(e)} was not committed (${e.why}); it is tried again while the partition is ours.`,
  },
  'kafka.joined': {
    level: 'info',
    fields: { partitions: true },
    say: (e) => `Joined the consumer group with ${e.partitions} partitions.`,
  },
  'kafka.problem': { level: 'error', fields: PROBLEM, say: (e) => `${e.code}: ${e.why} — ${e.hint}` },
  'kafka.records-missing': {
    level: 'error',
    fields: { ...OF_RECORD, expected: true },
    say: (e) =>
      `Records of ${partitionName(e)} are gone before they were read: offset ${e.expected} was next, ${e.offset} came.`,
  },
  'xzepr.receiver': {
    level: 'info',
    fields: { receiverId: true, receiver: true, created: true },
    say: (e) => `Receiver ${e.receiver} is ${e.receiverId} in XZepr${e.created ? ', made just now' : ''}.`,
  },
  'xzepr.problem': { level: 'error', fields: PROBLEM, say: (e) => `${e.code}: ${e.why} — ${e.hint}` },
  'xzepr.recovered': {
    level: 'info',
    fields: { code: true },
    say: (e) => `XZepr takes reports again (${e.code} is over).`,
  },
  'http.fault': {
    level: 'error',
    fields: { why: true },
    say: (e) => `A request could not be answered (${e.why}); its caller got 500.`,
  },
  'config.warning': { level: 'warn', fields: { why: true }, say: (e) => e.why },
}

function stockOf({ readyWorks, waitingBytes }: Entry<'partition.paused' | 'partition.resumed'>): string {
  return `${readyWorks} of its works may go, ${waitingBytes} bytes are held`
}
