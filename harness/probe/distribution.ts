/** Inclusive bounds. */
export interface Bound {
  readonly low: number;
  readonly high: number;
}

/**
 * How many of `trials` may hit when each does with `probability`: the mean ± 4.5 standard deviations of the binomial
 * distribution. A mesh that does as told falls outside of it about once in 150 000 runs, so that a claim on it does not
 * flake; one that ignores the weights does nearly always.
 */
export function binomialBound(trials: number, probability: number): Bound {
  const mean = trials * probability;
  const reach = 4.5 * Math.sqrt(trials * probability * (1 - probability));
  return { low: Math.max(0, Math.ceil(mean - reach)), high: Math.min(trials, Math.floor(mean + reach)) };
}

/**
 * The value that a share of all values does not exceed: the smallest one that does so (nearest rank). With few values a
 * high share is their maximum.
 *
 * @param values one or more
 * @param share from 0 to 1
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}
