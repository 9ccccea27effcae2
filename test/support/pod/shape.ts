/**
 * What of a pod the rehearsal carries out, as the charts render it: order, probes, preStop and grace.
 *
 * `pods.json` holds it, so that a rehearsal takes no Helm; test/laws/chart/pod.ts holds the file to the chart, and
 * chart/kustomize.ts the Kustomize components. What is rehearsed is what is shipped.
 */
import { readFileSync } from 'node:fs'
import type { Container, Pod } from '../chart.ts'

/** A pod of the app chart: as it is on Kubernetes 1.29 and later, as it is before, and of a Job. */
export type PodForm = 'native' | 'plain' | 'job'

export interface Probe {
  readonly httpGet: { readonly path: string }
}

export interface ContainerShape {
  readonly name: string
  /** `Always` makes an init container a sidecar. */
  readonly restartPolicy?: string
  readonly startupProbe?: Probe
  readonly readinessProbe?: Probe
  readonly livenessProbe?: Probe
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } }
}

export interface PodShape {
  readonly restartPolicy: string
  readonly terminationGracePeriodSeconds: number
  readonly initContainers: readonly ContainerShape[]
  readonly containers: readonly ContainerShape[]
}

export const PODS_FILE = new URL('pods.json', import.meta.url)

export function podShapes(): Readonly<Record<PodForm, PodShape>> {
  return JSON.parse(readFileSync(PODS_FILE, 'utf8')) as Record<PodForm, PodShape>
}

/** What a rehearsal carries out of a rendered pod. */
export function shapeOf(pod: Pod & { readonly restartPolicy?: string }): PodShape {
  return {
    restartPolicy: pod.restartPolicy ?? 'Always',
    terminationGracePeriodSeconds: pod.terminationGracePeriodSeconds,
    initContainers: (pod.initContainers ?? []).map(containerShape),
    containers: pod.containers.map(containerShape),
  }
}

function containerShape(container: Container): ContainerShape {
  const { name } = container
  const kept = ['restartPolicy', 'startupProbe', 'readinessProbe', 'livenessProbe', 'lifecycle'] as const
  return { name, ...Object.fromEntries(kept.filter((key) => key in container).map((key) => [key, container[key]])) }
}
