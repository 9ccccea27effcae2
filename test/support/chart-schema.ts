/**
 * The schemas of both charts' values. The bridge's: `variables`, `files` and `variablesFrom` from the declarations, the rest
 * as written here. Helm checks them before anything is rendered, so a misspelt name never reaches a pod.
 *
 * `TAP_SNAPSHOT=1 npx tap --disable-coverage test/laws/chart.test.ts` writes them into the charts anew.
 */
import type { Variable } from '../../src/config/variable.ts'
import { ALL_VARIABLES } from '../../src/config/variables.ts'

type Schema = Readonly<Record<string, unknown>>

const string = { type: 'string' }
const boolean = { type: 'boolean' }
const labels = { type: 'object', additionalProperties: string }
const list = { type: 'array' }
/** Kubernetes' own shapes: its API says what may stand in them. */
const object = { type: 'object' }
const count = { type: 'integer', minimum: 1 }

function closed(properties: Schema, required: readonly string[] = []): Schema {
  return { type: 'object', properties, ...(required.length > 0 && { required }), additionalProperties: false }
}

const image = closed({
  repository: string,
  // Not a number: YAML reads the tag 1.10 as 1.1.
  tag: string,
  digest: { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
  pullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'] },
})

/** A key of a Secret or of a ConfigMap. */
const keyed = {
  oneOf: [
    closed({ secret: string, key: string }, ['secret', 'key']),
    closed({ configMap: string, key: string }, ['configMap', 'key']),
    { type: 'null' },
  ],
}
const source = { $ref: '#/definitions/source' }

/** What may stand in values; `null` takes back what another values file has set. */
function valueOf(name: string, { schema, description, right }: Variable): Schema {
  const { type, enum: words, minimum, maximum } = schema as { [key: string]: unknown; type: string }
  const said = { description: `${description} Must be ${right}.` }
  // The filter may be written as YAML.
  if (name === 'BRIDGE_FILTER') return { ...said, type: ['string', 'object', 'array', 'null'] }
  if (words !== undefined) return { ...said, enum: [...(words as string[]), null] }
  // Port 0 is any free one, and a pod has to know which.
  const from = name.endsWith('_PORT') ? 1 : minimum
  if (type === 'integer') return { ...said, type: ['integer', 'null'], minimum: from, maximum }
  return { ...said, type: ['string', 'null'], minLength: 1 }
}

function pick(wanted: (variable: Variable) => boolean, value: (name: string, variable: Variable) => Schema): Schema {
  const picked = [...ALL_VARIABLES].filter(([, variable]) => wanted(variable))
  return closed(Object.fromEntries(picked.map(([name, variable]) => [name, value(name, variable)])))
}

const probe = closed({
  initialDelaySeconds: { type: 'integer', minimum: 0 },
  periodSeconds: count,
  timeoutSeconds: count,
  failureThreshold: count,
  successThreshold: count,
})
const peers = closed({ to: list, ports: { type: 'array', items: { type: 'integer', minimum: 1, maximum: 65535 } } })
const share = { anyOf: [{ type: 'integer', minimum: 0 }, { type: 'string', pattern: '^[0-9]+%$' }, { type: 'null' }] }

export function chartSchema(): Schema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'The values of xzepr-bridge, under `bridge:`',
    definitions: { source: keyed },
    ...closed({
      // Helm's own.
      global: object,
      enabled: boolean,
      image,
      sidecar: { enum: ['auto', 'native', 'plain'] },
      name: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' },
      variables: pick(({ kind }) => kind !== 'secret', valueOf),
      files: pick(
        ({ kind }) => kind === 'path',
        () => source,
      ),
      variablesFrom: pick(
        () => true,
        () => source,
      ),
      resources: object,
      securityContext: object,
      probes: closed({ startup: probe, readiness: probe, liveness: probe }),
      extraVolumeMounts: list,
      networkPolicy: closed({
        enabled: boolean,
        monitoring: list,
        kafka: peers,
        xzepr: peers,
        ingress: list,
        egress: list,
      }),
      podMonitor: closed({ enabled: boolean, labels, interval: { type: 'string', pattern: '^([0-9]+(ms|[smh]))+$' } }),
      prometheusRule: closed({
        enabled: boolean,
        labels,
        selector: string,
        oldestUnsettledSeconds: count,
        lagRecords: { type: 'integer', minimum: 0 },
      }),
      keda: closed({
        enabled: boolean,
        minReplicas: count,
        maxReplicas: count,
        lagThreshold: count,
        pollingInterval: count,
        cooldownPeriod: { type: 'integer', minimum: 0 },
        authenticationRef: closed({
          name: string,
          kind: { enum: ['TriggerAuthentication', 'ClusterTriggerAuthentication'] },
        }),
      }),
      podDisruptionBudget: closed({ enabled: boolean, maxUnavailable: share, minAvailable: share }),
    }),
  }
}

/** The app chart's own values; those of the bridge have their schema in its chart. */
export function appChartSchema(): Schema {
  const words = { type: 'array', items: string }
  const whole = { type: 'integer', minimum: 0 }
  const wholeOrNull = { type: ['integer', 'null'], minimum: 0 }
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'The values of xzepr-app',
    ...closed({
      // Helm's own.
      global: object,
      kind: { enum: ['Deployment', 'StatefulSet', 'Job', 'CronJob'] },
      fullnameOverride: string,
      replicas: whole,
      image,
      imagePullSecrets: list,
      command: words,
      args: words,
      env: list,
      envFrom: list,
      ports: list,
      probes: closed({ startupProbe: object, readinessProbe: object, livenessProbe: object }),
      resources: object,
      volumes: list,
      volumeMounts: list,
      initContainers: list,
      podSecurityContext: object,
      securityContext: object,
      terminationGracePeriodSeconds: wholeOrNull,
      serviceAccountName: string,
      automountServiceAccountToken: boolean,
      nodeSelector: labels,
      tolerations: list,
      affinity: object,
      topologySpreadConstraints: list,
      podLabels: labels,
      podAnnotations: labels,
      job: closed({ backoffLimit: whole, ttlSecondsAfterFinished: wholeOrNull }),
      cronJob: closed({
        schedule: string,
        timeZone: string,
        concurrencyPolicy: { enum: ['Allow', 'Forbid', 'Replace'] },
      }),
      bridge: object,
    }),
  }
}
