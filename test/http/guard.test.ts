import t from 'tap'
import { foreign, wrongMedia, wrongToken } from '../../src/http/guard.ts'

function caller(headers: Record<string, string>, httpVersion = '1.1') {
  return { httpVersion, headers, rawHeaders: Object.entries(headers).flat() }
}
const code = (headers: Record<string, string>, host = '127.0.0.1'): string | undefined =>
  foreign(caller(headers), host)?.code

void t.test('the API is called by its own names only, on any port', async (t) => {
  for (const host of ['localhost', 'LOCALHOST:8900', '127.0.0.1:1', '[::1]', '[::1]:8900']) {
    t.equal(code({ host }), undefined, host)
  }
  for (const host of [
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.nip.io:8900',
    '0.0.0.0',
    '',
    '10.0.0.1',
    '::1',
  ]) {
    t.equal(code({ host }), 'host-foreign', host)
  }
  t.equal(code({ host: 'pod.local:1' }, 'pod.local'), undefined, 'the configured host is one of them')
  t.equal(code({ host: '[fd00::1]:1' }, 'FD00::1'), undefined, 'also as an IPv6 address')
})

void t.test('a request needs exactly one Host, but for HTTP/1.0', async (t) => {
  t.equal(foreign(caller({}), '127.0.0.1')?.code, 'host-missing')
  t.equal(foreign(caller({}, '1.0'), '127.0.0.1'), undefined)
  const two = { httpVersion: '1.1', headers: { host: 'localhost' }, rawHeaders: ['Host', 'localhost', 'host', 'evil'] }
  t.equal(foreign(two, '127.0.0.1')?.code, 'host-missing')
})

void t.test('a page in a browser is refused whatever its origin, but for the API’s own', async (t) => {
  const host = 'localhost:8900'
  t.equal(code({ host, origin: 'http://localhost:8900' }), undefined)
  for (const origin of [
    'http://localhost:3000',
    'http://localhost',
    'https://localhost:8900',
    'null',
    '',
    'http://127.0.0.1:8900',
  ]) {
    t.equal(code({ host, origin }), 'origin-foreign', origin)
  }
  for (const site of ['cross-site', 'same-site', 'anything']) {
    t.equal(code({ host, 'sec-fetch-site': site }), 'origin-foreign', site)
  }
  for (const site of ['same-origin', 'none']) t.equal(code({ host, 'sec-fetch-site': site }), undefined, site)
})

void t.test('only the token itself opens', async (t) => {
  t.equal(wrongToken('Bearer s3cret', 's3cret'), undefined)
  t.equal(wrongToken('bearer  s3cret ', 's3cret'), undefined, 'the scheme’s case does not matter')
  for (const given of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer s3cre',
    'Bearer s3crets',
    'Basic s3cret',
    's3cret',
    'Bearer s3cret x',
  ]) {
    t.equal(wrongToken(given, 's3cret')?.code, 'token-refused', given ?? 'none')
  }
  t.match(wrongToken(undefined, 's3cret')?.headers, { 'www-authenticate': /^Bearer / })
  t.equal(wrongToken('Bearer ', '')?.code, 'token-refused', 'an empty token opens nothing')
})

void t.test('JSON is read, and what a form could send is not', async (t) => {
  const media = (type?: string, coding?: string): string | undefined =>
    wrongMedia({ 'content-type': type, 'content-encoding': coding })?.code
  for (const type of [
    undefined,
    'application/json',
    'Application/JSON; charset=UTF-8',
    'application/json;charset="utf-8"',
    'application/cloudevents+json',
    'application/json; x=y',
  ]) {
    t.equal(media(type), undefined, type ?? 'none')
  }
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain; application/json',
    'application/json, text/plain',
    'application/jsonp',
    'application/json; charset=latin1',
    'json',
    '',
  ]) {
    t.equal(media(type), 'media-type-unsupported', type)
  }
  t.equal(media('application/json', 'identity'), undefined)
  t.equal(media('application/json', 'gzip'), 'media-type-unsupported')
})
