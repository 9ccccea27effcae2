import t from 'tap'
import { letIn, parseDockerfile } from '../../../src/dev/image/dockerfile.ts'

const FILE = `# syntax=docker/dockerfile:1
ARG GLOBAL=1
FROM --platform=$BUILDPLATFORM node:24@sha256:00 AS build
WORKDIR /build
COPY a b ./
RUN --mount=type=cache,target=/root/.npm npm ci \\
  # between
  && true
FROM base
ENV A=1 B=x:y
COPY --from=build /build/a /a
USER 1:2
LABEL a="b" \\
  c="d"
HEALTHCHECK --interval=1s --retries=3 CMD ["node", "h"]
ENTRYPOINT ["node"]
CMD ["run"]
`

void t.test('stages with what is done in each, lines continued and comments left out', async (t) => {
  t.strictSame(parseDockerfile(FILE), [
    {
      image: 'node:24@sha256:00',
      name: 'build',
      instructions: [
        { kind: 'workdir', path: '/build' },
        { kind: 'copy', from: undefined, sources: ['a', 'b'], to: './' },
        { kind: 'run', script: 'npm ci && true' },
      ],
    },
    {
      image: 'base',
      name: '',
      instructions: [
        { kind: 'env', variables: { A: '1', B: 'x:y' } },
        { kind: 'copy', from: 'build', sources: ['/build/a'], to: '/a' },
        { kind: 'user', uid: 1, gid: 2 },
        { kind: 'label', text: 'a="b" c="d"' },
        { kind: 'healthcheck', command: ['node', 'h'] },
        { kind: 'entrypoint', command: ['node'] },
        { kind: 'cmd', command: ['run'] },
      ],
    },
  ])
})

void t.test('a line that is not understood is an error that shows it', async (t) => {
  for (const line of [
    'ADD a b',
    'SHELL ["sh"]',
    'COPY --chown=1 a b',
    'COPY a',
    'USER nobody',
    'ENV A "b"',
    'from x',
    'FROM x as y',
  ])
    t.throws(() => parseDockerfile(`FROM x\n${line}\n`), { message: /does not know this line/ }, line)
  for (const line of ['CMD node main.js', 'HEALTHCHECK CMD node', 'ENTRYPOINT node'])
    t.throws(() => parseDockerfile(`FROM x\n${line}\n`), { message: /JSON array/ }, line)
})

void t.test('.dockerignore lets in what it names, and nothing else is understood', async (t) => {
  t.same(letIn('# a\n*\n!src\n!package.json\n'), ['src', 'package.json'])
  for (const text of ['node_modules', '*\n!src\nsrc/dev', '*\n!src/**', '!src\n*']) t.throws(() => letIn(text), text)
})
