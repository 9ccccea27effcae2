// The shortest honest app beside xzepr-bridge, with nothing but Node's standard library.
//   node app.mjs        PORT (8080; 0 takes a free one), WORK_API_URL (http://127.0.0.1:8900)
import { createServer } from 'node:http'

const workApi = process.env.WORK_API_URL ?? 'http://127.0.0.1:8900'

// Your work. What it returns is reported as details; what it throws is reported as failed.
async function work(event) {
  if (event.success === false) throw new Error(`${event.name} did not succeed`)
  return { handled: event.name }
}

// The work-id header comes percent-encoded: it goes into a path as it is.
async function report(workId, what, body = {}) {
  const url = `${workApi}/work/${workId}/${what}`
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`POST ${url}: ${response.status} ${await response.text()}`)
}

async function deliver(workId, event) {
  await report(workId, 'started')
  const outcome = await work(event).then(
    (details) => ['completed', { details }],
    (error) => ['failed', { error: error.message }],
  )
  await report(workId, ...outcome)
}

const server = createServer(async (request, response) => {
  if (request.method !== 'POST' || request.url !== '/events') return response.writeHead(404).end()
  const workId = request.headers['work-id']
  try {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const event = JSON.parse(body)
    if (workId === undefined) return response.writeHead(400).end()
    await deliver(workId, event)
    response.end()
  } catch (error) {
    console.error(error)
    // 4xx: never again, nobody can read it. 503: the bridge could not be told, so it delivers the event again.
    response.writeHead(error instanceof SyntaxError ? 400 : 503).end()
  }
})

// On loopback: the bridge is beside us, and nobody else is meant to call.
server.listen(process.env.PORT ?? 8080, '127.0.0.1', () => console.log(`listening on port ${server.address().port}`))
// Takes no new event, finishes those in hand; what is cut off all the same comes again.
process.on('SIGTERM', () => server.close())
