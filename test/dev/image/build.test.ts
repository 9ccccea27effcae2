import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { buildStages, bytesOf } from '../../../src/dev/image/build.ts'
import { parseDockerfile } from '../../../src/dev/image/dockerfile.ts'

const CLONE = { clone: { src: { 'main.js': 'main' }, 'a.json': '{}', secret: 's' } }

function made(dir: string, dockerfile: string) {
  const steps: string[] = []
  const building = buildStages(parseDockerfile(dockerfile), {
    context: join(dir, 'clone'),
    letIn: ['src', 'a.json'],
    root: join(dir, 'root'),
    env: process.env,
    step: (what) => steps.push(what),
  })
  return { steps, building }
}

void t.test('the last stage holds what its instructions put there, and says how it is started', async (t) => {
  const { building, steps } = made(
    t.testdir(CLONE),
    `FROM a AS build
WORKDIR /work
COPY a.json ./
COPY src ./src
RUN cp src/main.js made.js && ln -s made.js link
FROM b
WORKDIR /app
COPY --from=build /work/made.js /work/link ./
ENV A=1
USER 5:6
HEALTHCHECK CMD ["node", "h"]
ENTRYPOINT ["node", "m"]
CMD ["run"]
`,
  )
  const built = await building
  t.equal(readFileSync(join(built.dir, 'app', 'made.js'), 'utf8'), 'main')
  t.equal(readlinkSync(join(built.dir, 'app', 'link')), 'made.js')
  t.notOk(existsSync(join(built.dir, 'app', 'a.json')), 'nothing of another stage comes along')
  t.match(built, {
    workdir: '/app',
    variables: { A: '1' },
    user: { uid: 5, gid: 6 },
    command: ['node', 'm', 'run'],
    healthcheck: ['node', 'h'],
  })
  t.same(
    steps.map((step) => step.split(' ')[0]),
    ['FROM', 'COPY', 'COPY', 'RUN', 'FROM', 'COPY'],
  )
})

void t.test('a step sees the variables that were set before it, and the last command counts', async (t) => {
  const dockerfile = `FROM a
RUN echo "[$A]" > before
ENV A=1
RUN echo "[$A]" > after
CMD ["first"]
CMD ["node", "last"]
`
  const built = await made(t.testdir(CLONE), dockerfile).building
  t.equal(readFileSync(join(built.dir, 'before'), 'utf8'), '[]\n')
  t.equal(readFileSync(join(built.dir, 'after'), 'utf8'), '[1]\n')
  t.same(built.command, ['node', 'last'])
})

void t.test('a command that fails and a source that is kept out are errors', async (t) => {
  await t.rejects(made(t.testdir(CLONE), 'FROM a\nRUN echo why; exit 3\n').building, {
    message: /^RUN echo why[\s\S]*why[\s\S]*code 3/,
  })
  await t.rejects(made(t.testdir(CLONE), 'FROM a\nCOPY secret ./\n').building, {
    message: /keeps secret from the build/,
  })
  await t.rejects(made(t.testdir(CLONE), '').building, { message: /has no stage/ })
})

void t.test('a size is that of the files; a link adds nothing', async (t) => {
  const dir = t.testdir({ a: { b: '12345' }, c: '123' })
  await mkdir(join(dir, 'd'))
  await writeFile(join(dir, 'd', 'e'), '1')
  await symlink('../c', join(dir, 'd', 'f'))
  t.equal(await bytesOf(dir), 9)
})
