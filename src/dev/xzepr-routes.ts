/**
 * XZepr's routes, and what each asks of its caller.
 *
 * Permission follows from resource and method, as in the server's own table: whoever may not delete receivers is told so
 * (403) before the router says that nobody may (405). A path that is no route is 404; a trailing slash makes it one.
 */

export const ROUTES = [
  'GET /health',
  'POST /api/v1/auth/login',
  'POST /api/v1/auth/refresh',
  'POST /api/v1/receivers',
  'GET /api/v1/receivers',
  'GET /api/v1/receivers/:id',
  'POST /api/v1/events',
  'GET /api/v1/events/:id',
] as const

export type Route = (typeof ROUTES)[number]

export interface Way {
  readonly kind: 'route' | 'wrong-method' | 'unknown'
  /** The route's name in faults and counts; `other` for what is none. */
  readonly route: Route | 'other'
  /** What stands for `:id`, percent-decoded; empty when the route has none. */
  readonly id: string
  /** Whether a token is asked for. */
  readonly guarded: boolean
  /** What the caller's role must hold, or undefined. */
  readonly permission: string | undefined
  /** The methods of this path. */
  readonly allow: readonly string[]
}

const UNKNOWN: Way = { kind: 'unknown', route: 'other', id: '', guarded: false, permission: undefined, allow: [] }

const ACTIONS: Readonly<Record<string, string>> = {
  GET: 'read',
  POST: 'create',
  PUT: 'update',
  PATCH: 'update',
  DELETE: 'delete',
}

const PATTERNS = ROUTES.map((route) => {
  const [method = '', path = ''] = route.split(' ')
  return { route, method, path: new RegExp(`^${path.replace(':id', '([^/]+)')}$`) }
})

/** @param path without its query. */
export function wayOf(method: string, path: string): Way {
  const here = PATTERNS.filter((pattern) => pattern.path.test(path))
  if (here.length === 0) return UNKNOWN
  const asked = method === 'HEAD' ? 'GET' : method
  const found = here.find((pattern) => pattern.method === asked)
  const resource = /^\/api\/v1\/(event|receiver)s/.exec(path)?.[1]
  const action = ACTIONS[asked]
  return {
    kind: found === undefined ? 'wrong-method' : 'route',
    route: found?.route ?? 'other',
    id: decoded(found?.path.exec(path)?.[1] ?? ''),
    guarded: resource !== undefined,
    permission: resource === undefined || action === undefined ? undefined : `${resource}_${action}`,
    allow: here.map((pattern) => pattern.method),
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // Broken percent-encoding is no id; the text itself is none either, so the route refuses it.
    return text
  }
}
