/** The pod that is rehearsed (test/e2e/pod-*.test.ts) is the pod that the chart makes. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { Charts, manifests, podOf, toolsFor } from '../../support/chart.ts'
import type { PodForm } from '../../support/pod/shape.ts'
import { PODS_FILE, podShapes, shapeOf } from '../../support/pod/shape.ts'

const RENDERED: Readonly<Record<PodForm, readonly [example: string, sidecar: string]>> = {
  native: ['plain', 'native'],
  plain: ['plain', 'plain'],
  job: ['job', 'native'],
}

void t.test('what is rehearsed of a pod is what the chart renders: order, probes, preStop and grace', async (t) => {
  const tools = await toolsFor(t, 'the pod that is rehearsed')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const rendered: Partial<Record<PodForm, unknown>> = {}
  for (const [form, [example, sidecar]] of Object.entries(RENDERED))
    rendered[form as PodForm] = shapeOf(podOf(manifests(await charts.renderWith(example, { bridge: { sidecar } }))))
  const text = `${JSON.stringify(rendered, undefined, 2)}\n`
  if (process.env.TAP_SNAPSHOT === '1') writeFileSync(PODS_FILE, text)
  t.ok(existsSync(PODS_FILE) && readFileSync(PODS_FILE, 'utf8') === text, 'TAP_SNAPSHOT=1 writes it anew')
})

void t.test('a rehearsed bridge is a sidecar in two forms of three, and drains before it stops in all', async (t) => {
  for (const [form, { initContainers, containers }] of Object.entries(podShapes())) {
    const bridge = [...initContainers, ...containers].find(({ name }) => name === 'xzepr-bridge')
    t.equal(bridge?.restartPolicy, form === 'plain' ? undefined : 'Always', form)
    t.match(bridge?.lifecycle?.preStop.exec.command.join(' '), /^node \/app\/dist\/main\.js drain /)
    t.equal(bridge?.startupProbe?.httpGet.path, '/startupz')
  }
})
