/**
 * The work API: what the app beside the bridge calls about its works. Contract section 3.
 *
 *   POST /work/<id>/started | progress | completed | failed        GET /work/<id>        GET /work
 *
 * This edge only translates: a body becomes a Report, the desk's Verdict becomes HTTP. It answers 202 as soon as the
 * report is held; with `Prefer: wait` it waits for XZepr on the caller's time and answers 200 with the event's id.
 * Repeating a call is always safe, so every 503 carries Retry-After.
 */
import type { FastifyReply, FastifyRequest, LightMyRequestResponse, InjectOptions } from 'fastify'
import type { XStatic } from 'typebox/schema'
import { utf8Bytes } from '../core/json.ts'
import { ID_MAX_BYTES } from '../core/message.ts'
import type { Told, Verdict } from '../core/report.ts'
import type { WorkDesk } from '../core/seams.ts'
import { foreign, wrongMedia, wrongToken } from './guard.ts'
import type { ListenerOptions } from './listener.ts'
import { listener, onceGone } from './listener.ts'
import { Patience } from './patience.ts'
import { preferredWait } from './prefer.ts'
import type { Refusal } from './problems.ts'
import { retryAfterSeconds, sendProblem } from './problems.ts'
import type { ReportKind } from './report-body.ts'
import { parseReport } from './report-body.ts'
import { workJson } from './work-json.ts'

export interface WorkApiOptions extends ListenerOptions {
  readonly desk: WorkDesk
  readonly host: string
  /**
   * The bearer token to ask for, read anew for each call. Absent, or undefined: none is asked for. An empty token or a
   * rejection refuses every call with 503: a token file that cannot be read never opens the API.
   */
  readonly token?: (() => Promise<string | undefined>) | undefined
  /** How many calls may wait for XZepr at once by `Prefer: wait`; more are answered 202 at once. */
  readonly maxWaiting?: number | undefined
}

export interface WorkApi {
  /** @throws BridgeError XZB_HTTP_LISTEN */
  start(): Promise<{ port: number }>
  /** Ends waits at once: their reports stay held. */
  stop(): Promise<void>
  /** Answers a request without a socket. */
  inject(request: InjectOptions): Promise<LightMyRequestResponse>
}

/** The longest `Prefer: wait`, and how long a forwarded report may take. */
export const WAIT_MAX_SECONDS = 60

const KINDS: readonly ReportKind[] = ['started', 'progress', 'completed', 'failed']
const PAGE = {
  type: 'object',
  properties: {
    after: { type: 'string', maxLength: 4096 },
    limit: { type: 'integer', minimum: 1, maximum: 1000 },
  },
} as const

interface OfWork {
  Params: { id: string }
}

export function workApi(options: WorkApiOptions): WorkApi {
  const { desk } = options
  const patience = new Patience(options.clock, options.maxWaiting ?? 512)
  const { app, ...life } = listener(
    options,
    async (request) => foreign(request.raw, options.host) ?? (await unauthorised(request.headers.authorization)),
  )

  async function unauthorised(authorization: string | undefined): Promise<Refusal | undefined> {
    if (options.token === undefined) return undefined
    // What went wrong with the file is said where it is read.
    const token = await options.token().catch(() => '')
    if (token === undefined) return undefined
    if (token !== '') return wrongToken(authorization, token)
    const detail = 'Check the file that BRIDGE_WORK_API_TOKEN_FILE names.'
    return { code: 'token-unreadable', detail, headers: { 'retry-after': '5' } }
  }

  /** Says how the desk received a report. */
  async function say(id: string, verdict: Verdict, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    switch (verdict.kind) {
      case 'held': {
        const waitSeconds = preferredWait(request.headers.prefer, WAIT_MAX_SECONDS)
        if (verdict.told === undefined || !waitSeconds || patience.full)
          return reply.code(202).send(workJson(verdict.work))
        const told = await patience.within(verdict.told, waitSeconds * 1000, (end) => {
          onceGone(reply, end)
        })
        reply.header('preference-applied', `wait=${waitSeconds}`)
        const work = workJson(desk.find(id) ?? verdict.work)
        // `away` is no news: the report stays held, and the bridge goes on telling.
        if (told === undefined || told.kind === 'away') return reply.code(202).send(work)
        if (told.kind === 'given-up') return sendProblem(reply, { ...givenUp(told.why), members: { work } })
        return reply.send({ ...work, event_id: told.eventId })
      }
      case 'unknown': {
        if (verdict.told === undefined) return sendProblem(reply, unknownWork)
        const told = await patience.within(verdict.told, WAIT_MAX_SECONDS * 1000, (end) => {
          onceGone(reply, end)
        })
        if (told?.kind === 'stored') return reply.send({ id, event_id: told.eventId })
        return sendProblem(reply, told?.kind === 'given-up' ? givenUp(told.why) : away(told))
      }
      case 'conflict':
        return sendProblem(reply, {
          code: 'report-conflict',
          detail: verdict.why,
          members: { work: workJson(verdict.work) },
        })
      case 'unstorable':
        return sendProblem(reply, { code: 'report-unstorable', detail: verdict.why })
      case 'full':
        return sendProblem(reply, {
          code: 'reports-full',
          detail: verdict.why,
          headers: { 'retry-after': retryAfterSeconds(verdict.retryAfterMs) },
        })
    }
  }

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body)
  })
  for (const kind of KINDS) {
    app.post<OfWork & { Body?: Buffer }>(
      `/work/:id/${kind}`,
      {
        onRequest: async (request, reply) => {
          const refusal = wrongId(request.params.id) ?? wrongMedia(request.headers)
          return refusal === undefined ? undefined : sendProblem(reply, refusal)
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const parsed = parseReport(kind, request.body)
        if (parsed.kind === 'refused') return sendProblem(reply, parsed.refusal)
        return say(id, desk.report(id, parsed.report), request, reply)
      },
    )
  }
  app.get<OfWork>('/work/:id', async (request, reply) => {
    const { id } = request.params
    const refusal = wrongId(id)
    if (refusal !== undefined) return sendProblem(reply, refusal)
    const work = desk.find(id)
    return work === undefined ? sendProblem(reply, unknownWork) : workJson(work)
  })
  app.get<{ Querystring: XStatic<typeof PAGE> }>('/work', { schema: { querystring: PAGE } }, async (request, reply) => {
    const { after, limit = 100 } = request.query
    const page = desk.list(after, limit)
    const works = page.works.map(workJson)
    if (page.next === undefined) return { works }
    reply.header('link', `</work?limit=${limit}&after=${encodeURIComponent(page.next)}>; rel="next"`)
    return { works, next: page.next }
  })

  return {
    start: async () => life.start(),
    async stop() {
      patience.stop()
      await life.stop()
    },
    inject: async (request) => app.inject(request),
  }
}

const unknownWork: Refusal = {
  code: 'work-unknown',
  detail: 'It was never received here, has settled long ago, or its partition has moved to another bridge.',
}

function wrongId(id: string): Refusal | undefined {
  if (id === '') return { code: 'path-unknown', detail: 'The id in the path is empty.' }
  if (utf8Bytes(id) <= ID_MAX_BYTES) return undefined
  return { code: 'path-too-long', detail: `An id takes ${ID_MAX_BYTES} bytes at most.` }
}

function givenUp(why: string): Refusal {
  return { code: 'report-given-up', detail: why }
}

/** The work is not in hand, so nothing is held: the caller must bring the report again. */
function away(told: (Told & { kind: 'away' }) | undefined): Refusal {
  return {
    code: 'xzepr-away',
    detail: 'The bridge does not hold this work, and XZepr did not take the report. Report again.',
    headers: { 'retry-after': retryAfterSeconds(told?.retryAfterMs ?? 5_000) },
  }
}
