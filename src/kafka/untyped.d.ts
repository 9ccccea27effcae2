/**
 * The part of lz4js that inflate.ts uses.
 *
 * The package has no types of its own; what is not declared here is not used, because it reads past its input.
 */

declare module 'lz4js' {
  /**
   * Inflates one block into `into` from `end` on.
   * @returns where the bytes end; those past the end of `into` are dropped, but counted.
   */
  export function decompressBlock(from: Uint8Array, into: Uint8Array, at: number, length: number, end: number): number
}
