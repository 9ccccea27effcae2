import t from 'tap'
import { ROUTES, wayOf } from '../../src/dev/xzepr-routes.ts'

void t.test('every route is found by its method and path, HEAD as GET', (t) => {
  for (const route of ROUTES) {
    const [method = '', path = ''] = route.split(' ')
    const way = wayOf(method, path.replace(':id', 'some%20id'))
    t.match(way, { kind: 'route', route, id: path.includes(':id') ? 'some id' : '' })
    t.equal(way.guarded, /events|receivers/.test(path), route)
    if (method === 'GET') t.equal(wayOf('HEAD', path).route, route)
  }
  t.end()
})

void t.test('permission follows from resource and method', (t) => {
  for (const [method, path, permission] of [
    ['POST', '/api/v1/events', 'event_create'],
    ['GET', '/api/v1/events/x', 'event_read'],
    ['POST', '/api/v1/receivers', 'receiver_create'],
    ['GET', '/api/v1/receivers', 'receiver_read'],
    ['PUT', '/api/v1/receivers', 'receiver_update'],
    ['DELETE', '/api/v1/events', 'event_delete'],
    ['OPTIONS', '/api/v1/events', undefined],
    ['GET', '/health', undefined],
    ['POST', '/api/v1/auth/login', undefined],
  ] as const) {
    t.equal(wayOf(method, path).permission, permission, `${method} ${path}`)
  }
  t.end()
})

void t.test('a known path with another method names the methods it has', (t) => {
  t.match(wayOf('DELETE', '/api/v1/receivers'), { kind: 'wrong-method', route: 'other', allow: ['POST', 'GET'] })
  t.match(wayOf('POST', '/health'), { kind: 'wrong-method', allow: ['GET'], guarded: false })
  t.end()
})

void t.test('what is no path is unknown, a trailing slash makes it so', (t) => {
  for (const path of [
    '',
    '/',
    '/api/v1/events/',
    '/api/v1/receivers/',
    '/api/v1/receivers/x/',
    '/health/',
    '/api/v2/events',
  ]) {
    t.match(wayOf('GET', path), { kind: 'unknown', route: 'other', guarded: false }, path)
  }
  t.equal(wayOf('GET', '/api/v1/receivers/%zz').id, '%zz', 'broken percent-encoding stays as it is')
  t.end()
})
