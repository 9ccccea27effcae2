/** What nobody holds any more, made visible: the collector is called by hand. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
export const collectGarbage = runInNewContext('gc') as () => void

/** How many of these are still held by somebody. */
export async function stillHeld(all: readonly WeakRef<object>[]): Promise<number> {
  // A reference that was made in this turn of the event loop holds until its end.
  await new Promise(setImmediate)
  collectGarbage()
  return all.filter((each) => each.deref() !== undefined).length
}
