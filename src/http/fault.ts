/**
 * What Fastify and Node's HTTP parser raise, turned into the words of problems.ts.
 *
 * Both know more errors than a caller can do anything about; what has no word of its own is `internal-error` when it
 * is the bridge's fault and `request-malformed` when it is the caller's. Messages of errors stay inside: they can
 * quote the request.
 */
import type { Refusal } from './problems.ts'
import { PROBLEMS, PROBLEM_TYPE, problemText } from './problems.ts'

/** The parts of a thrown value that decide; Fastify's errors carry all of them. */
interface Raised {
  readonly code?: unknown
  readonly statusCode?: unknown
  readonly validation?: readonly { readonly instancePath?: string; readonly message?: string }[]
}

const BY_CODE: Readonly<Record<string, Refusal>> = {
  FST_ERR_BAD_URL: { code: 'path-malformed', detail: 'Percent-encode the id as UTF-8 (RFC 3986 section 2.1).' },
  FST_ERR_MAX_PARAM_LENGTH: { code: 'path-too-long', detail: 'An id takes 1024 bytes at most.' },
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'body-too-large', detail: 'A body takes 1 MiB at most.' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: 'media-type-unsupported', detail: 'Send content-type: application/json.' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'body-malformed',
    detail: 'The body is not as long as its Content-Length says.',
  },
}

/** What a request that raised this is answered. */
export function refusalOf(error: unknown): Refusal {
  const raised: Raised = typeof error === 'object' && error !== null ? error : {}
  const known = typeof raised.code === 'string' ? BY_CODE[raised.code] : undefined
  if (known !== undefined) return known
  const wrong = raised.validation?.[0]
  if (wrong !== undefined) {
    const field = wrong.instancePath?.slice(1) ?? ''
    return { code: 'query-invalid', field, detail: `${field}: ${wrong.message ?? 'is wrong'}` }
  }
  if (typeof raised.statusCode === 'number' && raised.statusCode >= 400 && raised.statusCode < 500) {
    return { code: 'request-malformed', detail: 'The request broke off or is not well formed.' }
  }
  return { code: 'internal-error', detail: 'The fault is in the bridge; its log names the cause. Try again.' }
}

/** What a connection is answered when its bytes are no request. `code` is the error code of Node's parser. */
export function refusalOfConnection(code: string | undefined): Refusal {
  if (code === 'HPE_HEADER_OVERFLOW') return { code: 'headers-too-large', detail: 'All headers take 16 KiB at most.' }
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') {
    return { code: 'body-too-large', detail: 'The chunk extensions of the body are too large.' }
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { code: 'request-timeout', detail: 'Send headers and body without pauses.' }
  }
  return { code: 'request-malformed', detail: 'Send HTTP/1.1 as RFC 9112 writes it.' }
}

/** A whole HTTP response, for a socket on which no request could be read. */
export function rawProblem(refusal: Refusal): string {
  const body = problemText(refusal)
  const { status, title } = PROBLEMS[refusal.code]
  return [
    `HTTP/1.1 ${status} ${title}`,
    'connection: close',
    'cache-control: no-store',
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}
