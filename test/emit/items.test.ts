import fc from 'fast-check'
import t from 'tap'
import type { Item } from '../../src/emit/items.ts'
import { itemsOf } from '../../src/emit/items.ts'

async function* linesOf(text: string): AsyncGenerator<string> {
  yield* text.split('\n')
}
async function read(text: string, max?: number): Promise<Item[]> {
  const items: Item[] = []
  for await (const item of itemsOf(linesOf(text), max)) items.push(item)
  return items
}
const texts = (items: readonly Item[]): string[] => items.map((item) => (item.kind === 'item' ? item.text : item.why))

void t.test('lines, one object over several lines, and arrays are all events', async (t) => {
  t.same(texts(await read('{"a":1}\n\n  {"b":2}\n')), ['{"a":1}', '{"b":2}'])
  t.same(texts(await read('{\n  "a": 1\n}\n')), ['{"a":1}'])
  t.same(texts(await read('[{"a":1},{"b":2}]')), ['{"a":1}', '{"b":2}'])
  t.same(texts(await read('[\n{"a":1},\n{"b":2}\n]')), ['{"a":1}', '{"b":2}'])
  t.same(texts(await read('\ufeff{"a":1}')), ['{"a":1}'], 'a mark at the beginning is no part of it')
  t.same(await read(''), [])
})

void t.test('numbers keep their digits', async (t) => {
  const [item] = await read('{"n":9007199254740993,"x":1.50,"deep":{"y":1e400}}')
  t.same(item?.kind === 'item' && [...item.members], [
    ['n', '9007199254740993'],
    ['x', '1.50'],
    ['deep', '{"y":1e400}'],
  ])
})

void t.test('a line is an item before the next one is there', async (t) => {
  let read = 0
  async function* stream(): AsyncGenerator<string> {
    for (;;) {
      read += 1
      yield `{"n":${read}}`
    }
  }
  for await (const item of itemsOf(stream())) {
    t.match(item, { text: `{"n":${read}}`, where: `line ${read}` })
    if (read === 3) break
  }
})

void t.test('what is wrong is named by its place, and nothing follows it', async (t) => {
  t.same(texts(await read('{"a":1}\nnonsense\n{"b":2}')), ['{"a":1}', 'line 2 is no JSON'])
  t.same(texts(await read('{"a":1}\n7')), ['{"a":1}', 'line 2 is no JSON object'])
  t.same(texts(await read('[{"a":1},[]]')), ['{"a":1}', 'element 2 of line 1 is no JSON object'])
  t.same(texts(await read('nonsense')), ['it is no JSON: neither one text nor a text on each line'])
  t.same(texts(await read('[\n1]')), ['element 1 of the array is no JSON object'])
  t.match(texts(await read(`{\n${' '.repeat(20)}\n}`, 10)), [/more than 10 characters/])
  t.same(texts(await read('[['.repeat(50_000))).length, 1, 'a nest too deep is no JSON either')
})

void t.test('whatever objects are written down come back in their order', async (t) => {
  const anyObject = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 4 })
  await fc.assert(
    fc.asyncProperty(fc.array(anyObject, { minLength: 1, maxLength: 5 }), fc.boolean(), async (objects, pretty) => {
      const text = pretty ? JSON.stringify(objects, null, 2) : objects.map((each) => JSON.stringify(each)).join('\n')
      const items = await read(text)
      t.same(
        texts(items).map((each) => JSON.parse(each) as unknown),
        JSON.parse(JSON.stringify(objects)),
      )
    }),
    { numRuns: 50 },
  )
})
