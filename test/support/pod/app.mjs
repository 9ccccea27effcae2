// The app of a rehearsed pod: a program with the manners that the bridge asks for. It remembers by work-id what it has begun,
// reports until the bridge has heard it, and at SIGTERM takes nothing new, ends what it can and gives back or leaves the rest.
// At a first attempt it does what the event's type says, later all at once:
//
//   build.done       reports started and completed, answers 200
//   build.accepted   202; completes when told, or at SIGTERM            build.held   the same, with the request open
//   build.returned   202; gives it back at SIGTERM (failed, retry)      build.left   202; not a word at SIGTERM
//   build.cut        never answers
//
// ON_SIGTERM=hang ignores the signal. JOB=drain drains the bridge once all is done that there was, and ends. Every step is
// one line of JSON on stdout. It is told by POST on a port of its own: /finish (what is accepted and held), /end, /die.
import { createServer } from 'node:http'

const { WORK_API_URL, OPS_URL, ON_SIGTERM, JOB, PORT } = process.env
/** By work id: what is done about it. @type {Map<string, { cue: string, state: string, answer: () => void }>} */
const works = new Map()

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

/** Until it is heard: the bridge beside us may just be starting again. */
async function report(workId, what, body = {}) {
  for (;;) {
    const sent = fetch(`${WORK_API_URL}/work/${encodeURIComponent(workId)}/${what}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const status = await sent.then((answer) => answer.status).catch(() => 0)
    say({ reported: workId, what, status })
    if (status !== 0 && status < 500) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function complete(workId) {
  const work = works.get(workId)
  work.state = 'ending'
  await report(workId, 'completed', { details: { cue: work.cue } })
  work.state = 'ended'
  work.answer()
}

/** @returns the status to answer with; undefined: later, or never. */
async function deliver(workId, cue, answer) {
  const known = works.get(workId)
  if (known !== undefined) return known.state === 'ended' ? 200 : 202
  say({ begun: workId })
  works.set(workId, { cue, state: 'begun', answer })
  await report(workId, 'started')
  if (['build.accepted', 'build.returned', 'build.left'].includes(cue)) return 202
  if (!['build.held', 'build.cut'].includes(cue)) await complete(workId)
  return undefined
}

/** The works of these cues that are not ended, each in its own way. */
async function each(cues, end) {
  const open = [...works].filter(([, { cue, state }]) => cues.includes(cue) && state === 'begun')
  await Promise.all(open.map(([workId]) => end(workId)))
}

async function finish() {
  await each(['build.accepted', 'build.held'], complete)
}

const server = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  const workId = decodeURIComponent(request.headers['work-id'])
  const attempt = Number(request.headers['work-attempt'])
  say({ delivered: workId, attempt })
  const answer = (status = 200) => {
    if (response.writableEnded) return
    say({ answered: workId, status })
    response.writeHead(status).end()
  }
  const status = await deliver(workId, attempt > 1 ? 'build.done' : JSON.parse(body).type, answer)
  if (status !== undefined) answer(status)
})

const told = createServer(async (request, response) => {
  if (request.url === '/die') process.kill(process.pid, 'SIGKILL')
  if (request.url === '/end') process.exit(0)
  await finish()
  response.end()
})

process.on('SIGTERM', async () => {
  if (ON_SIGTERM === 'hang') return
  server.close()
  await finish()
  await each(['build.returned'], (workId) => report(workId, 'failed', { retry: true, error: 'the pod ends' }))
  process.exit(0)
})

/** What a Job's app does: it ends when the topic is worked through, and lets the bridge settle and commit before. */
async function endWhenAllIsDone() {
  for (;;) {
    const status = await fetch(`${OPS_URL}/status`).then((answer) => answer.json())
    const { partitions, works: inHand } = status
    const isDone = partitions.every(({ committed, high_watermark }) => committed === high_watermark)
    if (isDone && partitions.length > 0 && works.size > 0 && Object.values(inHand).every((count) => count === 0)) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const answer = await fetch(`${OPS_URL}/drain`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ who: 'the Job', why: 'all is done' }),
  })
  const { status: livez } = await fetch(`${OPS_URL}/livez`)
  say({ drained: answer.status, livez })
  process.exit(0)
}

told.listen(0, '127.0.0.1', () => {
  server.listen(PORT, '127.0.0.1', () => {
    say({ listening: server.address().port, told: told.address().port })
    if (JOB === 'drain') void endWhenAllIsDone()
  })
})
