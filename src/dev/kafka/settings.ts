/**
 * What a Kafka for demo and tests is told: one node that is broker and controller at once, on loopback ports.
 *
 * PLAINTEXT is always there; SASL_PLAINTEXT with SCRAM and PLAIN beside it when a user is given. It is tuned to be
 * quick to join and to die: no initial rebalance delay, sessions from one second, few internal partitions.
 */

export const KAFKA_VERSION = '4.1.1'

/** The one user of the SASL listener. */
export interface SaslUser {
  readonly username: string
  readonly password: string
}

export interface BrokerLayout {
  /** Where it keeps its log and these files. */
  readonly dir: string
  /** The address to listen on: loopback, or every address inside a container, whose ports loopback forwards to. */
  readonly bindHost: string
  readonly ports: { readonly controller: number; readonly plain: number; readonly sasl: number }
  readonly sasl: SaslUser | undefined
  /** Further lines of server.properties; they win over ours. */
  readonly settings: Readonly<Record<string, string>>
}

/** The text of server.properties. */
export function serverProperties({ dir, bindHost, ports, sasl, settings }: BrokerLayout): string {
  const { controller, plain } = ports
  const listeners = [`PLAINTEXT://${bindHost}:${plain}`, `CONTROLLER://127.0.0.1:${controller}`]
  const advertised = [`PLAINTEXT://127.0.0.1:${plain}`]
  const withSasl: Record<string, string> = {}
  if (sasl !== undefined) {
    listeners.push(`SASL_PLAINTEXT://${bindHost}:${ports.sasl}`)
    advertised.push(`SASL_PLAINTEXT://127.0.0.1:${ports.sasl}`)
    const module = 'org.apache.kafka.common.security'
    withSasl['sasl.enabled.mechanisms'] = 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512'
    withSasl['listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config'] =
      `${module}.scram.ScramLoginModule required;`
    withSasl['listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config'] =
      `${module}.scram.ScramLoginModule required;`
    withSasl['listener.name.sasl_plaintext.plain.sasl.jaas.config'] =
      `${module}.plain.PlainLoginModule required user_${sasl.username}="${sasl.password}";`
  }
  return lines({
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.bootstrap.servers': `127.0.0.1:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: listeners.join(','),
    'advertised.listeners': advertised.join(','),
    'listener.security.protocol.map':
      'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL',
    'log.dirs': `${dir}/log`,
    // A topic that is missing must look missing, as on XZepr's own cluster.
    'auto.create.topics.enable': 'false',
    // A restarted broker is let in when the session of the one that was killed has run out: nine seconds by default.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '5',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '2',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    // The three seconds that Kafka waits for more members of a new group would be most of a test's time.
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    ...withSasl,
    ...settings,
  })
}

function lines(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

/** The words of `StorageTool format` that make SCRAM users: before the first start is the only time without an admin. */
export function scramArguments(sasl: SaslUser | undefined): string[] {
  if (sasl === undefined) return []
  const secret = `[name=${sasl.username},password=${sasl.password}]`
  return ['--add-scram', `SCRAM-SHA-256=${secret}`, '--add-scram', `SCRAM-SHA-512=${secret}`]
}

/** XML, because the other formats of log4j2 need jars that not every Kafka carries. */
export const LOG4J2_XML = `<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="WARN">
  <Appenders>
    <Console name="out" target="SYSTEM_OUT"><PatternLayout pattern="%d %p %c{1}: %m%n"/></Console>
  </Appenders>
  <Loggers><Root level="WARN"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
`

/** The pom whose runtime dependencies are a whole Kafka. */
export const POM_XML = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>xzepr.bridge</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>2.24.3</version>
    </dependency>
  </dependencies>
</project>
`
