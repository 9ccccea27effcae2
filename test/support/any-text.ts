/**
 * Any text a neighbour could send: every UTF-16 unit, lone surrogates and control characters among them.
 *
 * fast-check's own `binary` unit first lists all code points of Unicode, which takes seconds.
 */
import fc from 'fast-check'

export function anyText(maxLength = 30): fc.Arbitrary<string> {
  const unit = fc.oneof(fc.nat(0xff), fc.nat(0xffff), fc.integer({ min: 0xd800, max: 0xdfff }))
  return fc.array(unit, { maxLength }).map((units) => String.fromCharCode(...units))
}
