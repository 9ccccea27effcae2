/**
 * The operator's levers on the ops port: who may pull them, and what a pull is answered. Contract section 6.
 *
 *   POST /pause  /resume  /drain  /works/<id>/settle        body, all optional but settle's why: {"who": …, "why": …}
 *
 * The right to pull: a call from the pod itself that no browser's page made, or the bearer token. Loopback needs no
 * token even where one is set: whoever can run something in the pod could read it there, and preStop must work on the
 * worst day. A token that cannot be read opens nothing.
 */
import { Socket } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { handText } from '../core/hand.ts'
import type { Hand, Levers } from '../core/seams.ts'
import { foreign, onLoopback, wrongMedia, wrongToken } from './guard.ts'
import type { Listener } from './listener.ts'
import type { Refusal } from './problems.ts'
import { sendProblem } from './problems.ts'
import { readObject } from './report-body.ts'

export interface LeverOptions {
  readonly levers: Levers
  readonly host?: string | undefined
  readonly token?: (() => Promise<string | undefined>) | undefined
  /** How the bridge stands, as JSON: what every pull is answered. */
  state(): unknown
}

interface Pull {
  Params: { id?: string }
  Body?: Buffer
}

export function addLevers(app: Listener['app'], options: LeverOptions): void {
  const { levers, host, token } = options
  async function hasToken(request: FastifyRequest): Promise<boolean> {
    // What went wrong with the file is said where it is read.
    const secret = (await token?.().catch(() => undefined)) ?? ''
    return secret !== '' && wrongToken(request.headers.authorization, secret) === undefined
  }

  async function forbidden(request: FastifyRequest): Promise<Refusal | undefined> {
    const near = onLoopback(request.ip, request.headers)
    const page = near ? foreign(request.raw, host ?? 'localhost') : undefined
    if (near && page === undefined) return undefined
    if (await hasToken(request)) return undefined
    return page ?? STRANGER
  }

  async function handOf(request: FastifyRequest<Pull>, needsWhy: boolean): Promise<Hand | Refusal> {
    const said = readHand(request.body, needsWhy)
    if ('code' in said) return said
    const from = request.ip.replace(/^::ffff:/i, '')
    const how = (await hasToken(request)) ? `${from}, by token` : from
    return { who: said.who === undefined ? how : `${said.who} (${how})`, why: said.why ?? NO_REASON }
  }

  function lever(
    path: string,
    pull: (hand: Hand, request: FastifyRequest<Pull>) => Promise<Refusal | undefined>,
    needsWhy = false,
  ): void {
    app.post<Pull>(
      path,
      {
        onRequest: async (request, reply) => {
          const refusal = (await forbidden(request)) ?? wrongMedia(request.headers)
          return refusal === undefined ? undefined : sendProblem(reply, refusal)
        },
      },
      async (request, reply) => {
        const hand = await handOf(request, needsWhy)
        const refusal = 'code' in hand ? hand : await pull(hand, request)
        return refusal === undefined ? options.state() : sendProblem(reply, refusal)
      },
    )
  }

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body)
  })
  lever('/pause', async (hand) => {
    levers.pause(hand)
    return undefined
  })
  lever('/resume', async (hand) => {
    levers.resume(hand)
    return undefined
  })
  lever('/drain', async (hand, request) => {
    // A grace may be longer than the listener bears silence.
    const { socket } = request.raw
    if (socket instanceof Socket) socket.setTimeout(0)
    await levers.drain(hand)
    return undefined
  })
  const settle = async (hand: Hand, { params }: FastifyRequest<Pull>): Promise<Refusal | undefined> =>
    levers.settle(params.id ?? '', hand) === 'unknown' ? UNKNOWN_WORK : undefined
  lever('/works/:id/settle', settle, true)
}

const NO_REASON = 'no reason given'

const STRANGER: Refusal = {
  code: 'lever-forbidden',
  detail:
    'Call from inside the pod (kubectl exec, kubectl port-forward), or send the token of BRIDGE_OPS_TOKEN_FILE as Authorization: Bearer.',
}

const UNKNOWN_WORK: Refusal = {
  code: 'work-unknown',
  detail:
    'It was never received here, has settled, or its partition is with another bridge: GET /work tells what is in hand.',
}

const MEMBERS = ['who', 'why'] as const

function readHand(body: Buffer | undefined, needsWhy: boolean): { who?: string; why?: string } | Refusal {
  const read = readObject(body ?? new Uint8Array())
  if ('code' in read) return read
  const said: { who?: string; why?: string } = {}
  for (const [name, value] of Object.entries(read.object)) {
    const member = MEMBERS.find((each) => each === name)
    // A reason under another name would be lost without a word.
    if (member === undefined) return invalid('', 'The members of the body are who and why.')
    if (typeof value !== 'string') return invalid(member, `${member} must be a text.`)
    const text = handText(value)
    if (text !== undefined) said[member] = text
  }
  if (needsWhy && said.why === undefined) {
    return invalid('why', 'Say why, as {"why":"…"}: a record that a person settles must be accounted for.')
  }
  return said
}

function invalid(field: string, detail: string): Refusal {
  return { code: 'field-invalid', detail, ...(field !== '' && { field }) }
}
