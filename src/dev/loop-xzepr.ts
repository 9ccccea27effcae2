/**
 * The XZepr of the local loop: the stand-in, with a token for the bridge and one for `emit`, and emit's receiver made.
 *
 * It has no rate limits here, for whoever tries out a load waits for the app and not for XZepr. What it publishes before it
 * is opened is kept from the log: the announcement of emit's receiver would be the first event that an app ever sees.
 */
import type { Clock } from '../core/seams.ts'
import { emitReceiver } from '../emit/receiver.ts'
import { XzeprClient } from '../xzepr/client.ts'
import { fixedToken } from '../xzepr/credentials.ts'
import type { Publish } from './xzepr-publisher.ts'
import { XzeprStandIn } from './xzepr-stand-in.ts'

export interface LoopXzepr {
  readonly url: string
  readonly bridgeToken: string
  readonly emitToken: string
  readonly receiverId: string
  /** From here on events go to the log. */
  open(publish: Publish): void
  stop(): Promise<void>
}

const XZEPR_PORT = 8042
const BRIDGE_SUB = '01J0000000000000000BR1DGE0'
const EMIT_SUB = '01J0000000000000000000EM1T'
/** Longer than anybody leaves a loop running. */
const LIFETIME_MS = 365 * 86_400_000
/** Events that are remembered; nobody reads them here. */
const REMEMBERED_EVENTS = 1000
const TIMEOUT_MS = 10_000

/** On XZepr's own port, or any other where somebody has that. */
export async function startXzepr(clock: Clock, topic: string): Promise<LoopXzepr> {
  let publish: Publish = async () => undefined
  const standIn = new XzeprStandIn({
    clock,
    topic,
    rateLimits: 'off',
    maxEvents: REMEMBERED_EVENTS,
    publish: (record) => publish(record),
  })
  await standIn.start({ port: XZEPR_PORT }).catch(async (error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    await standIn.start()
  })
  const { url } = standIn
  const emitToken = standIn.token({ sub: EMIT_SUB, lifetimeMs: LIFETIME_MS })
  const credentials = fixedToken(emitToken)
  const client = new XzeprClient({ url: new URL(url), timeoutMs: TIMEOUT_MS, credentials, clock, connections: 1 })
  const receiving = await emitReceiver(client, clock).finally(() => client.close())
  if (receiving.kind === 'refused') {
    await standIn.stop()
    throw new Error(`The XZepr stand-in made no receiver: ${receiving.answer.why}`)
  }
  return {
    url,
    bridgeToken: standIn.token({ sub: BRIDGE_SUB, lifetimeMs: LIFETIME_MS }),
    emitToken,
    receiverId: receiving.id,
    open: (opened) => (publish = opened),
    stop: () => standIn.stop(),
  }
}
