/**
 * Where the demo writes: whole lines, and on a terminal a spinner below them while something takes its time.
 *
 * In a pipe or a CI log there is no spinner and no escape sequence, only the lines.
 */
import type { Clock, Wake } from '../core/seams.ts'

export interface ScreenOutput {
  write(text: string): unknown
  readonly isTTY?: boolean
}

const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'
const FRAME_MS = 100
const CLEAR_LINE = '\r\u001b[2K'

export class Screen {
  readonly #output: ScreenOutput
  readonly #clock: Clock
  #spinning: { readonly text: string; frame: number; wake: Wake } | undefined

  constructor(output: ScreenOutput, clock: Clock) {
    this.#output = output
    this.#clock = clock
  }

  /** Writes a line; control characters of whoever made the text do not reach the terminal. */
  line(text = ''): void {
    const harmless = text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd')
    if (this.#spinning !== undefined) this.#output.write(CLEAR_LINE)
    this.#output.write(`${harmless}\n`)
    this.#draw()
  }

  /** Shows that something goes on, until `still`. */
  spin(text: string): void {
    this.still()
    if (this.#output.isTTY !== true) return
    this.#spinning = { text, frame: 0, wake: { cancel: () => undefined } }
    this.#turn()
  }

  still(): void {
    if (this.#spinning === undefined) return
    this.#spinning.wake.cancel()
    this.#spinning = undefined
    this.#output.write(CLEAR_LINE)
  }

  #turn(): void {
    const spinning = this.#spinning
    if (spinning === undefined) return
    this.#draw()
    spinning.frame += 1
    spinning.wake = this.#clock.wake(this.#clock.nowMs() + FRAME_MS, () => {
      this.#turn()
    })
  }

  #draw(): void {
    const spinning = this.#spinning
    if (spinning === undefined) return
    this.#output.write(`${CLEAR_LINE}${FRAMES.charAt(spinning.frame % FRAMES.length)} ${spinning.text}`)
  }
}
