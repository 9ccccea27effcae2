/**
 * Figures: what a benchmark finds, beside what it should be.
 *
 * A figure without a value says why there is none; one without a goal is there to be compared with.
 */

export interface Figure {
  readonly what: string
  readonly value: number | undefined
  readonly unit: string
  readonly goal?: { readonly is: 'at least' | 'at most' | 'below'; readonly value: number }
  /** What a reader must know to read it, or why it is not available. */
  readonly note?: string
}

export function isMet({ value, goal }: Figure): boolean | undefined {
  if (goal === undefined || value === undefined) return undefined
  if (goal.is === 'at least') return value >= goal.value
  return goal.is === 'below' ? value < goal.value : value <= goal.value
}

export function verdict(figure: Figure): string {
  if (figure.value === undefined) return 'not available'
  const met = isMet(figure)
  return met === undefined ? '' : met ? 'met' : 'not met'
}

/** As many digits as it is worth. */
export function digits(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1000) return String(Math.round(value))
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2)
}

export function valueText({ value, unit }: Figure): string {
  return value === undefined ? '–' : `${digits(value)} ${unit}`.trim()
}

export function goalText({ goal, unit }: Figure): string {
  if (goal === undefined) return ''
  const sign = { 'at least': '≥', 'at most': '≤', below: '<' }[goal.is]
  return `${sign} ${goal.value} ${unit}`.trim()
}

/** @returns NaN of nothing. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The value below which the share `q` of all lies, between two of them in proportion. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const low = sorted[Math.floor(at)] ?? NaN
  const high = sorted[Math.ceil(at)] ?? NaN
  return low + (high - low) * (at - Math.floor(at))
}
