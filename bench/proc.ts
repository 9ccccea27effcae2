/**
 * What a process has used, read from Linux's /proc: the same for every process, whoever wrote it.
 *
 * Processor time comes in steps of 10 ms, so it is read over seconds.
 */
import { readdirSync, readFileSync } from 'node:fs'

const TICK_MS = 10

/** Processor time of a process so far, user and system, in milliseconds. */
export function cpuMs(pid: number): number {
  return statOf(pid).cpuMs
}

/** The same of all processes of a process group that run just now, such as a shell and the Kafka that it started. */
export function groupCpuMs(group: number): number {
  let sum = 0
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = statOf(Number(name))
      if (stat.group === group) sum += stat.cpuMs
    } catch (error) {
      // It has ended since the directory was read.
      if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
  return sum
}

function statOf(pid: number): { readonly cpuMs: number; readonly group: number } {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The name may hold spaces, so the fields are counted from its closing bracket: the group is the 5th of all, utime
  // and stime are the 14th and 15th (proc_pid_stat(5)).
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [, , group = 0] = fields
  return { group, cpuMs: ((fields[11] ?? 0) + (fields[12] ?? 0)) * TICK_MS }
}

/** Resident memory of a process in megabytes of a million bytes. */
export function rssMb(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  return (Number(kib) * 1024) / 1e6
}

/** Processor time that the whole machine has used, in milliseconds. */
export function machineCpuMs(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] =
    /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'latin1'))?.[1]?.split(' ').map(Number) ?? []
  return (user + nice + system + irq + softirq + steal) * TICK_MS
}

/** Processor time by name from here on; `others` is what no named process has used. */
export class CpuWatch {
  readonly #readers: Readonly<Record<string, () => number>>
  readonly #before: Readonly<Record<string, number>>
  readonly #machineBefore = machineCpuMs()
  readonly #startedAtMs = performance.now()

  constructor(readers: Readonly<Record<string, () => number>>) {
    this.#readers = readers
    this.#before = this.#read()
  }

  /** @returns processor time since the start of the watch, in milliseconds, and how many milliseconds that is ago. */
  read(): { readonly usedMs: Readonly<Record<string, number>>; readonly tookMs: number } {
    const usedMs: Record<string, number> = {}
    let named = 0
    for (const [name, total] of Object.entries(this.#read())) {
      usedMs[name] = total - (this.#before[name] ?? 0)
      named += usedMs[name]
    }
    usedMs.others = Math.max(0, machineCpuMs() - this.#machineBefore - named)
    return { usedMs, tookMs: performance.now() - this.#startedAtMs }
  }

  #read(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.#readers).map(([name, read]) => [name, read()]))
  }
}
