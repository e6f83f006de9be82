import { diagnose } from '../diagnose/diagnose.ts';
import { diagnoseExchange } from '../diagnose/exchange.ts';
import { asMeshproofError, describeError } from '../errors/meshproof-error.ts';
import type { ClaimResult, ScenarioResult } from './claims.ts';
import type { Notes } from './journal.ts';

/** An assertion that does not hold refutes the claim; anything else says nothing about the mesh. */
export function verdictOf(error: unknown): Pick<ClaimResult, 'verdict' | 'reason' | 'code'> {
  // What vitest throws, for its own matchers and for those of `expect.extend` alike, carries both sides.
  if (error instanceof Error && 'actual' in error && 'expected' in error)
    return { verdict: 'failed', reason: error.message };
  const known = asMeshproofError(error);
  if (known.code === 'MP708') return { verdict: 'notSupported', reason: known.details.what, code: known.code };
  const verdict = known.code === 'MP701' || known.code === 'MP704' ? 'failed' : 'error';
  return { verdict, reason: describeError(known), code: known.code };
}

/**
 * Where the path of a claim that does not hold broke: by its proxies' configuration, or else by what its last call met.
 */
export function diagnosisOf({ hops, exchange }: Pick<Notes, 'hops' | 'exchange'>): Pick<ClaimResult, 'diagnosis'> {
  const fromCall = exchange === undefined ? undefined : diagnoseExchange(exchange);
  // Without an address nothing behind DNS was ever reached.
  const diagnosis = fromCall?.code === 'MP811' ? fromCall : (diagnose(hops) ?? fromCall);
  return diagnosis === undefined ? {} : { diagnosis };
}

/** A claim about which nothing was found out. */
export const unproven = (claim: Pick<ClaimResult, 'key' | 'name'>, reason: string, code?: string): ClaimResult => ({
  ...claim,
  verdict: 'error',
  seconds: 0,
  reason,
  actions: [],
  hops: [],
  ...(code === undefined ? {} : { code }),
});

/** Without its evidence on disk no claim is proven, and none refuted. */
export function unprovable(result: ScenarioResult, error: unknown): ScenarioResult {
  const known = asMeshproofError(error);
  const reason = `the evidence could not be kept\n${describeError(known)}`;
  const claims = result.claims.map((claim) =>
    claim.verdict === 'notSupported' ? claim : { ...claim, verdict: 'error' as const, reason, code: known.code },
  );
  return { ...result, claims };
}
