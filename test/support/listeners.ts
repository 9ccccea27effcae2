/** The two listeners as laws about openapi.yaml call them: no neighbour, any port. */
import type { OpsApi, OpsApiOptions } from '../../src/http/ops.ts'
import { opsApi } from '../../src/http/ops.ts'
import type { WorkApi, WorkApiOptions } from '../../src/http/work-api.ts'
import { workApi } from '../../src/http/work-api.ts'
import { FakeDesk } from '../http/fake-desk.ts'
import { FakeLevers } from '../http/fake-levers.ts'
import { VirtualClock } from './clock.ts'

const WELL = { ok: true, reasons: [] }

export function workListener(options: Partial<WorkApiOptions> = {}): WorkApi {
  return workApi({ desk: new FakeDesk(), clock: new VirtualClock(), host: '127.0.0.1', port: 0, ...options })
}

export function opsListener(options: Partial<OpsApiOptions> = {}): OpsApi {
  return opsApi({
    levers: new FakeLevers(),
    status: () => ({
      service: 'svc',
      version: '1.0.0',
      nowMs: 0,
      startedAtMs: 0,
      phase: 'running',
      health: { live: WELL, ready: WELL, started: WELL },
      kafka: { joined: true, partitions: 0, fetchedAtMs: undefined, problem: undefined },
      gate: { open: true, sinceMs: 0 },
      paused: undefined,
      drain: undefined,
      works: {},
      oldestUnsettledAtMs: undefined,
      partitions: [],
      reports: { events: 0, bytes: 0 },
      deadLetters: undefined,
      xzepr: { receiverId: undefined, problem: undefined },
    }),
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: 'up 1\n' }),
    clock: new VirtualClock(),
    host: '127.0.0.1',
    port: 0,
    ...options,
  })
}
