import fc from 'fast-check'
import t from 'tap'
import { Findings, quoted, renderProblems, wrap } from '../../src/config/findings.ts'
import { anyText } from '../support/any-text.ts'

void t.test('the list names each variable, what was given and what would be right', async (t) => {
  const findings = new Findings(new Map([['BRIDGE_MAX_IN_FLIGHT', 'many']]))
  findings.refuse('BRIDGE_MAX_IN_FLIGHT', 'must be a whole number from 1 to 10000')
  findings.refuse('BRIDGE_SERVICE', 'must be the service’s name')
  t.equal(
    renderProblems(findings.problems, 60),
    `The configuration has errors; the bridge does not start. (XZB_CONFIG_INVALID, 2 errors)

  BRIDGE_SERVICE
      given:  not set
      must be the service’s name

  BRIDGE_MAX_IN_FLIGHT
      given:  "many"
      must be a whole number from 1 to 10000

Correct the variables named in the message; \`xzepr-bridge
--help\` lists them all.
`,
  )
  t.match(renderProblems(findings.problems.slice(0, 1)), /\(XZB_CONFIG_INVALID, 1 error\)/)
})

void t.test('one mistake is told once: the first word about a variable stands', async (t) => {
  const findings = new Findings(new Map())
  findings.refuse('BRIDGE_SERVICE', 'first')
  findings.refuse('BRIDGE_SERVICE', 'second')
  t.same(
    findings.problems.map(({ right }) => right),
    ['first'],
  )
  t.notOk(findings.sound('BRIDGE_ORDER', 'BRIDGE_SERVICE'))
  t.ok(findings.sound('BRIDGE_ORDER'))
})

void t.test('text from outside is one harmless line, whatever it holds', async (t) => {
  fc.assert(
    fc.property(anyText(300), (text) => {
      return !/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/.test(quoted(text))
    }),
  )
  t.equal(quoted('\u001b[31mred\u009b\u202e'), String.raw`"\u001b[31mred\u009b\u202e"`)
  t.ok(quoted('x'.repeat(10_000)).length < 100)
})

void t.test('wrapping keeps every word, and the width where a word allows it', async (t) => {
  const words = fc.array(fc.stringMatching(/^[a-z]{1,9}$/), { minLength: 1 })
  fc.assert(
    fc.property(words, fc.integer({ min: 20, max: 60 }), (words, columns) => {
      const lines = wrap(words.join(' '), '  ', columns)
      const kept = lines.map((line) => line.slice(2)).join(' ') === words.join(' ')
      return kept && lines.every((line) => line.startsWith('  ') && line.length <= columns)
    }),
  )
  t.same(wrap('https://an-address.that.is.long yes', '', 10), ['https://an-address.that.is.long', 'yes'])
})
