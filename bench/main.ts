/**
 * `npm run bench`: what the bridge costs and how long it takes, beside references that run in turn with it.
 *
 *   load ─▶ latency ─▶ idle ─▶ held ─▶ beside ─▶ crash ─▶ profile ─▶ a table (standard output), JSON, a page for the docs
 *
 * Progress goes to standard error. A benchmark judges nobody: the exit code is 0 with goals met or not, 1 when it could
 * not measure, 64 for a wrong command line, 69 when no Kafka could be had.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Figure } from './figures.ts'
import { beside, latency } from './latency.ts'
import { load } from './load.ts'
import type { BenchOptions, Section } from './options.ts'
import { BENCH_HELP, parseBench } from './options.ts'
import { markdown, sheetOf, table } from './paper.ts'
import { profile } from './profile.ts'
import { crash, held, idle } from './rest.ts'
import { Stage } from './stage.ts'

const USAGE = 64
const NO_KAFKA = 69
const PAGE = fileURLToPath(new URL('../docs/reference/benchmark.md', import.meta.url))

const startedAtMs = performance.now()
const progress = (line: string): void => {
  process.stderr.write(`${((performance.now() - startedAtMs) / 1000).toFixed(0).padStart(4)} s  ${line}\n`)
}

async function bench(options: BenchOptions): Promise<number> {
  const loadBefore = loadavg()[0] ?? NaN
  let stage
  try {
    stage = await Stage.set(progress)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return NO_KAFKA
  }
  // Ctrl-C ends the Kafka too: it is stopped, not orphaned.
  const strike = stage.strike.bind(stage)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void strike().finally(() => process.exit(130))
    })
  }
  const { sections, extent } = options
  const has = (section: Section): boolean => sections.has(section)
  const figures: Figure[] = []
  try {
    if (has('load') || has('batch')) {
      figures.push(...(await load(stage, extent, progress, { single: has('load'), batch: has('batch') })))
    }
    if (has('latency')) figures.push(...(await latency(stage, extent, progress)))
    if (has('idle')) figures.push(...(await idle(stage, extent, progress)))
    if (has('held')) figures.push(...(await held(stage, progress)))
    if (has('beside')) figures.push(...(await beside(stage, extent, progress)))
    if (has('crash')) figures.push(...(await crash(stage, progress)))
    if (has('profile')) figures.push(...(await profile(stage, extent, progress)))
  } finally {
    await strike()
  }
  const sheet = sheetOf(options, stage.brokerIs, [loadBefore, loadavg()[0] ?? NaN], figures)
  process.stdout.write(table(sheet))
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(sheet, undefined, 2)}\n`)
  if (options.markdown) {
    mkdirSync(fileURLToPath(new URL('../docs/reference/', import.meta.url)), { recursive: true })
    writeFileSync(PAGE, markdown(sheet))
  }
  return 0
}

const command = parseBench(process.argv.slice(2))
switch (command.kind) {
  case 'help':
    process.stdout.write(BENCH_HELP)
    break
  case 'refused':
    process.stderr.write(`${command.why}\n`)
    process.exitCode = USAGE
    break
  case 'bench':
    process.exitCode = await bench(command.options)
}
