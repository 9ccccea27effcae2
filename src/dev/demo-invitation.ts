/**
 * How to play with a demo that stays up: short lines to paste into another terminal.
 *
 * They send an event whose work goes well and one whose work fails, and start a bridge and an app of one's own on the
 * same Kafka and XZepr. The demo itself stands on ports of its own, so the bridge's usual ones are free.
 */

export interface Playground {
  readonly xzepr: string
  readonly workApi: string
  readonly ops: string
  readonly token: string
  readonly receiverId: string
  /** Undefined when the log lives in the demo's own process, where no other bridge can read it. */
  readonly kafka: { readonly brokers: readonly string[]; readonly topic: string } | undefined
}

/** The topic that a bridge reads when it is told none. */
const USUAL_TOPIC = 'xzepr.dev.events'

export function invitation(playground: Playground): string[] {
  const { workApi, ops, token } = playground
  return [
    '',
    'It stays up. In other terminals, in this directory, paste this first:',
    '',
    `TOKEN=${token}`,
    '',
    'An event whose work goes well:',
    '',
    ...post(playground, true),
    '',
    'An event whose work fails:',
    '',
    ...post(playground, false),
    '',
    'Works in hand, status and metrics of the bridge that runs here:',
    '',
    `curl -s ${workApi}/work`,
    `curl -s ${ops}/status`,
    `curl -s ${ops}/metrics`,
    '',
    ...ownBridge(playground),
    '',
    'Ctrl-C ends it and leaves nothing behind.',
    '',
  ]
}

function post({ xzepr, receiverId }: Playground, success: boolean): string[] {
  return [
    `curl -s ${xzepr}/api/v1/events \\`,
    '  -H "authorization: Bearer $TOKEN" \\',
    `  -H 'content-type: application/json' -d '{`,
    `  "name": "deployment.${success ? 'success' : 'failure'}", "success": ${success}, "payload": {},`,
    '  "version": "1.2.3", "release": "2026.11", "platform_id": "x86_64-linux",',
    '  "package": "demo-service", "description": "By hand",',
    `  "event_receiver_id": "${receiverId}"}'`,
  ]
}

function ownBridge({ xzepr, kafka }: Playground): string[] {
  if (kafka === undefined) {
    return ['A bridge of your own needs a real Kafka: the in-memory log is in here alone.']
  }
  return [
    'A bridge of your own, on the same Kafka and XZepr:',
    '',
    'BRIDGE_SERVICE=mine \\',
    `  XZEPR_KAFKA_BROKERS=${kafka.brokers.join(',')} \\`,
    ...(kafka.topic === USUAL_TOPIC ? [] : [`  XZEPR_KAFKA_TOPIC=${kafka.topic} \\`]),
    `  XZEPR_API_URL=${xzepr} XZEPR_API_TOKEN=$TOKEN npm start`,
    '',
    'and, in a third terminal, its app on port 8080, yours or this one:',
    '',
    'node examples/node/app.mjs',
  ]
}
