/**
 * The variables of the delivery: where events go, which, in what order and how patiently.
 *
 * Defaults are the contract's, section 7; a law test pins them.
 */
import { SECRETS_MAX, eventTypes, httpUrl, topic, webhookSecrets } from './sound.ts'
import { choice, optional, path, text, whole } from './variable.ts'

const DAY_MS = 86_400_000

export const DELIVERY_VARIABLES = {
  BRIDGE_WEBHOOK_URL: text('http://127.0.0.1:8080/events', {
    group: 'Webhook',
    kind: 'url',
    description: 'Where events are posted to: the app beside the bridge.',
    example: 'http://127.0.0.1:3000/hooks/xzepr',
    right: 'an http:// or https:// address without user and password',
    sound: httpUrl,
  }),
  BRIDGE_WEBHOOK_FORMAT: choice('verbatim', ['verbatim', 'structured', 'binary', 'batch'], {
    group: 'Webhook',
    description: 'What the app gets: XZepr’s own JSON byte for byte, or CloudEvents 1.0 in one of their forms.',
    example: 'structured',
  }),
  BRIDGE_WEBHOOK_TIMEOUT_MS: whole(30_000, 1, DAY_MS, {
    group: 'Webhook',
    unit: 'milliseconds',
    description: 'Longest a delivery may take from connecting to the last byte of the answer, in milliseconds.',
    example: '10000',
  }),
  BRIDGE_WEBHOOK_SECRET: optional({
    group: 'Webhook',
    kind: 'secret',
    description: 'Signs deliveries as Standard Webhooks do; several, with white-space between, while they change.',
    example: 'whsec_Y2hhbmdlLW1lLWNoYW5nZS1tZS1jaGFuZ2UtbWU=',
    right: `up to ${SECRETS_MAX} secrets whsec_<base64 of 24 to 64 bytes>, with white-space between`,
    sound: webhookSecrets,
  }),
  BRIDGE_WEBHOOK_SECRET_FILE: path({
    group: 'Webhook',
    description: 'A file with the signing secrets, instead of the variable.',
    example: '/var/run/secrets/webhook/secret',
    fills: 'BRIDGE_WEBHOOK_SECRET',
  }),
  BRIDGE_BATCH_MAX: whole(100, 1, 10_000, {
    group: 'Webhook',
    unit: 'events',
    description: 'Events in one delivery at most, with the format batch.',
    example: '50',
  }),
  BRIDGE_BATCH_WAIT_MS: whole(20, 0, 60_000, {
    group: 'Webhook',
    unit: 'milliseconds',
    description: 'How long a delivery waits to be filled, in milliseconds, with the format batch.',
    example: '50',
  }),
  BRIDGE_APP_HEALTH_URL: optional({
    group: 'Webhook',
    kind: 'url',
    description:
      'Asked by GET whether the app is well (2xx), now and then and while deliveries wait for it. While it is not, none goes out.',
    example: 'http://127.0.0.1:8080/healthz',
    right: 'an http:// or https:// address without user and password',
    sound: httpUrl,
  }),
  BRIDGE_EVENT_TYPES: text('*', {
    group: 'Delivery',
    description: 'The types of events the app wants, with commas between; * is any text, ! refuses.',
    example: 'deployment.*,!deployment.test',
    right: 'types with commas between, such as deployment.*,!deployment.test',
    sound: eventTypes,
  }),
  BRIDGE_FILTER: optional({
    group: 'Delivery',
    description: 'Which of these events the app wants: a filter in JSON, in the dialects of CloudEvents Subscriptions.',
    example: '{"exact":{"success":"true","platformid":"kubernetes"}}',
    right: 'a filter of exact, prefix, suffix, all, any and not, or an array of filters',
  }),
  BRIDGE_LIFECYCLE: choice('explicit', ['explicit', 'auto'], {
    group: 'Delivery',
    description: 'explicit: XZepr hears what the app reports. auto: also started and completed the app did not report.',
    example: 'auto',
  }),
  BRIDGE_ORDER: choice('key', ['key', 'partition', 'none'], {
    group: 'Delivery',
    description: 'What must stay in order: records of one key, all records of a partition, or nothing.',
    example: 'partition',
  }),
  BRIDGE_MAX_IN_FLIGHT: whole(64, 1, 10_000, {
    group: 'Delivery',
    unit: 'deliveries',
    description: 'Deliveries under way at a time.',
    example: '16',
  }),
  BRIDGE_MAX_RUNNING: whole(10_000, 1, 1_000_000, {
    group: 'Delivery',
    unit: 'works',
    description: 'Works that the app accepted with 202 and has not ended, at a time.',
    example: '500',
  }),
  BRIDGE_MAX_BUFFERED_BYTES: whole(33_554_432, 1024, 8_589_934_592, {
    group: 'Delivery',
    unit: 'bytes',
    description: 'Bytes of records held in memory; past it, partitions are paused.',
    example: '67108864',
  }),
  BRIDGE_MAX_ATTEMPTS: whole(10, 0, 1_000_000, {
    group: 'Delivery',
    unit: 'attempts',
    description: 'Attempts before a work has failed; 0 = no end.',
    example: '0',
  }),
  BRIDGE_RETRY_INITIAL_MS: whole(500, 1, DAY_MS, {
    group: 'Delivery',
    unit: 'milliseconds',
    description: 'The longest rest after the first attempt, in milliseconds; it doubles with each.',
    example: '1000',
  }),
  BRIDGE_RETRY_MAX_MS: whole(60_000, 1, DAY_MS, {
    group: 'Delivery',
    unit: 'milliseconds',
    description: 'The longest rest of all, in milliseconds; it caps Retry-After too.',
    example: '300000',
  }),
  BRIDGE_LEASE_SECONDS: whole(300, 1, 2_592_000, {
    group: 'Delivery',
    unit: 'seconds',
    description: 'How long an accepted work may stay silent, in seconds; then its attempt has failed.',
    example: '3600',
  }),
  BRIDGE_DEAD_LETTER_TOPIC: optional({
    group: 'Delivery',
    description:
      'The topic that records go to which failed for good; it must be there, the bridge does not make it. Without it they are logged and passed over.',
    example: 'xzepr.dev.events.deployer.dead',
    right: 'the name of one topic: up to 249 letters, digits, dots, underscores and hyphens',
    sound: topic,
  }),
} as const
