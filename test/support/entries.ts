/** One entry of each name, for tests that go through the whole journal. The compiler keeps the list complete. */
import type { JournalEntry, JournalName } from '../../src/core/journal.ts'

const PARTITION = { topic: 'events', partition: 2 }
const RECORD = { ...PARTITION, offset: 7n }
const WORK = { ...RECORD, workId: '01J' }
const HAND = { who: 'anna (127.0.0.1)', why: 'the database moves' }
const PROBLEM = { why: 'no answer', hint: 'Look at the network.' }

const BY_NAME: { readonly [N in JournalName]: Omit<Extract<JournalEntry, { readonly name: N }>, 'name'> } = {
  'bridge.started': { service: 'deployer', version: '1.2.3', workApiPort: 8900, opsPort: 8901 },
  'bridge.draining': { inHand: 3 },
  'bridge.drained': { unsettled: 3, works: 1, reports: 2 },
  'bridge.stopped': { unsettled: 1, owed: 2 },
  'work.left-unsettled': { ...WORK, state: 'running', attempt: 1 },
  'partition.assigned': { ...PARTITION, committed: 5n },
  'partition.revoked': { ...PARTITION, unsettled: 4 },
  'partition.paused': { ...PARTITION, waitingBytes: 1024, readyWorks: 512 },
  'partition.resumed': { ...PARTITION, waitingBytes: 512, readyWorks: 255 },
  'record.received': RECORD,
  'record.poison': { ...RECORD, why: 'it is not JSON' },
  'record.passed-over': { ...RECORD, why: 'it is a tombstone' },
  'attempt.started': { ...WORK, attempt: 1, eventType: 'deployment.success' },
  'attempt.answered': { ...WORK, attempt: 1, answer: 'done', why: 'HTTP 200', tookMs: 4 },
  'work.resting': { ...WORK, attempt: 1, why: 'HTTP 503', restMs: 250 },
  'work.lease-out': { ...WORK, attempt: 1 },
  'work.reported': { ...WORK, report: 'completed' },
  'work.ended': { ...WORK, ending: 'completed', attempt: 1, why: 'HTTP 200' },
  'report.stored': { workId: '01J', status: 'completed', eventId: '01K' },
  'report.given-up': { workId: '01J', status: 'failed', why: 'HTTP 400' },
  'record.dead-lettered': {
    ...RECORD,
    reason: 'rejected',
    attempts: 1,
    why: 'the app answered HTTP 422',
    letterTopic: 'dead',
    letterPartition: 0,
    letterOffset: 3n,
  },
  'dead-letter.cut': { ...RECORD, leftOut: 'value', why: 'The value of 9 bytes is too large.' },
  'letter.left-unwritten': RECORD,
  'record.settled': { ...RECORD, ending: 'completed' },
  'gate.closed': { why: 'ECONNREFUSED' },
  'gate.opened': { closedMs: 1500 },
  'offset.committed': { ...RECORD, mapChars: 0 },
  'offset-map.cut': RECORD,
  'offset-map.ignored': { ...RECORD, why: 'its checksum does not match' },
  'lever.paused': HAND,
  'lever.resumed': HAND,
  'lever.settled': { ...WORK, ...HAND },
  'lever.drain': HAND,
  'commit.refused': { ...RECORD, why: 'the group is rebalancing' },
  'kafka.joined': { partitions: 3 },
  'kafka.problem': { code: 'XZB_KAFKA_CONNECT', ...PROBLEM },
  'kafka.records-missing': { ...RECORD, expected: 3n },
  'xzepr.receiver': { receiverId: '01R', receiver: 'deployer-receiver', created: true },
  'xzepr.problem': { code: 'XZB_XZEPR_UNREACHABLE', ...PROBLEM },
  'xzepr.recovered': { code: 'XZB_XZEPR_UNREACHABLE' },
  'http.fault': { why: 'GET /status: out of paper' },
  'config.warning': { why: 'BRIDGE_X is no variable of the bridge.' },
}

export const ENTRIES: readonly JournalEntry[] = Object.entries(BY_NAME).map(
  ([name, rest]) => ({ name, ...rest }) as JournalEntry,
)
