/**
 * Reads the files that variables and flags name, whole and in bounded memory, for whoever is handed a FileReader.
 *
 * A secret or a PEM file is small: what is larger is an error like any other, and nobody waits for its end.
 */
import { closeSync, openSync, readSync } from 'node:fs'

/** A path that names a device or a log must not hold up the start. */
const FILE_MAX_BYTES = 1024 * 1024

export function readText(path: string): string {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(FILE_MAX_BYTES + 1)
    let length = 0
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(file, bytes, length, bytes.length - length, null)
    }
    if (length > FILE_MAX_BYTES) throw new Error(`larger than ${FILE_MAX_BYTES} bytes`)
    return bytes.toString('utf8', 0, length)
  } finally {
    closeSync(file)
  }
}
