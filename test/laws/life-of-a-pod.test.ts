/** Every law that the page of a pod's life names is a test in the file it names, and every part of it has some. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { readConfig } from '../../src/config.ts'
import { podShapes } from '../support/pod/shape.ts'
import { lawsListed, strangeLaws, titlesIn } from '../support/titles.ts'

const page = readFileSync(new URL('../../docs/explanation/life-of-a-pod.md', import.meta.url), 'utf8')

void t.test('every law that the page names is a test, every part has one, and every scenario is told', async (t) => {
  const parts = page.split('\n## ').slice(1, -1)
  t.ok(parts.length > 5)
  for (const part of parts) t.ok(lawsListed(part).length > 0, part.slice(0, 30))
  t.same(strangeLaws(lawsListed(page)), [])
  const named = new Set(lawsListed(page).map(({ title }) => title))
  for (const title of titlesIn('test/e2e/pod.test.ts')) t.ok(named.has(title), title)
})

void t.test('the page says the defaults as they are', async (t) => {
  const reading = readConfig({ BRIDGE_SERVICE: 'svc', XZEPR_API_TOKEN: 'x' }, () => '')
  if (reading.kind === 'errors') throw new Error(JSON.stringify(reading.errors))
  const { shutdownGraceMs, delivery, ops } = reading.config
  const pods = Object.values(podShapes())
  const row = (name: string, seconds: number): void => void t.match(page, `| \`${name}\` | ${seconds} s |`)
  row('BRIDGE_SHUTDOWN_GRACE_MS', shutdownGraceMs / 1000)
  row('BRIDGE_LEASE_SECONDS', delivery.leaseMs / 1000)
  for (const { terminationGracePeriodSeconds } of pods)
    row('terminationGracePeriodSeconds', terminationGracePeriodSeconds)
  for (const path of ['/drain', '/status']) t.match(page, `${ops.port}${path}`)
})
