/**
 * Every variable of the bridge, once.
 *
 * What is not here does not exist: reading, errors, `--help`, .env.example and the README's table come from this list
 * or are held to it by law tests. The order is the order of the reference.
 */
import { DELIVERY_VARIABLES } from './variables-delivery.ts'
import { KAFKA_VARIABLES, XZEPR_VARIABLES } from './variables-neighbours.ts'
import { RUNNING_VARIABLES, SERVICE_VARIABLES } from './variables-running.ts'
import type { ValueOf, Variable } from './variable.ts'

export const VARIABLES = {
  ...SERVICE_VARIABLES,
  ...KAFKA_VARIABLES,
  ...XZEPR_VARIABLES,
  ...DELIVERY_VARIABLES,
  ...RUNNING_VARIABLES,
} as const

export type VariableName = keyof typeof VARIABLES

/** What the environment came to: typed, defaults filled in, names as they are. */
export type Values = { readonly [N in VariableName]: ValueOf<(typeof VARIABLES)[N]> }

/** The same list for whoever goes through it, in order. */
export const ALL_VARIABLES: ReadonlyMap<string, Variable> = new Map(Object.entries(VARIABLES))

/** The ones a person needs first, in the order in which they are thought of. */
export const FIRST_VARIABLES = [
  'BRIDGE_SERVICE',
  'XZEPR_KAFKA_BROKERS',
  'XZEPR_API_URL',
  'XZEPR_API_TOKEN_FILE',
  'BRIDGE_WEBHOOK_URL',
] as const satisfies readonly VariableName[]
