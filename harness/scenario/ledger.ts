import { catalogue } from '../errors/catalogue.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import type { ClaimResult, ScenarioResult, StepResult, Stopped } from './claims.ts';
import type { CallEnd } from '../diagnose/ended-at.ts';
import type { Notes } from './journal.ts';
import { checkKey, type Keyed } from './keys.ts';
import type { ScenarioMeta } from './scenario.ts';
import { diagnosisOf, unproven, verdictOf } from './verdict.ts';

/** What a failure is explained from: the paths and the call that were seen. */
type Seen = Pick<Notes, 'hops' | 'exchange'>;
type DeclaredClaim = Pick<ClaimResult, 'key' | 'name'>;

/** What one scenario has shown so far: its claims, its steps, and what ended it. */
export class Ledger {
  readonly #meta: ScenarioMeta;
  readonly #declared: readonly DeclaredClaim[];
  readonly #started = performance.now();
  readonly #claims = new Map<string, ClaimResult>();
  readonly #steps: StepResult[] = [];
  #failedStep: Keyed | undefined;
  #stopped: Stopped | undefined;
  #redAfter: number | undefined;
  #seen: Seen = { hops: [], exchange: undefined };

  constructor(meta: ScenarioMeta) {
    this.#meta = meta;
    this.#declared = Object.entries(meta.claims).map(([key, name]) => ({ key, name }));
  }

  /** The last step, if it failed. */
  get failedStep(): Keyed | undefined {
    return this.#failedStep;
  }

  /** Paths and calls that the last step saw: a claim that looks at none of its own judges those. */
  get seen(): Seen {
    return this.#seen;
  }

  /**
   * The claim that a scenario proves now.
   *
   * @throws MeshproofError MP719 for one that it does not declare, or proves twice.
   */
  claimNamed(key: string): DeclaredClaim {
    const claim = this.#declared.find((one) => one.key === key);
    if (claim !== undefined && !this.#claims.has(key)) return claim;
    const fault = claim === undefined ? 'a claim that it does not declare' : 'a claim twice';
    throw new MeshproofError('MP719', {
      what: `the scenario ${this.#meta.id} proves ${fault}`,
      expected: `each of ${this.#declared.map((one) => one.key).join(', ')} once`,
      seen: key,
    });
  }

  /** Notes that a claim holds, with the figure that its proof returned. */
  holds(claim: DeclaredClaim, seconds: number, { actions, hops }: Notes, note?: string): void {
    this.#claims.set(claim.key, {
      ...claim,
      verdict: 'passed',
      seconds,
      actions,
      hops,
      ...(note === undefined ? {} : { note }),
    });
  }

  /**
   * Notes that a claim was not shown to hold.
   *
   * @returns the paths and the call that it was judged by
   */
  fails(claim: DeclaredClaim, seconds: number, notes: Notes, error: unknown): Seen {
    const verdict = verdictOf(error);
    if (verdict.verdict !== 'notSupported') this.#turnRed();
    const judgedBy = notes.hops.length > 0 || notes.exchange !== undefined ? notes : this.#seen;
    const { actions, hops } = notes;
    this.#claims.set(claim.key, { ...claim, seconds, actions, hops, ...verdict, ...diagnosisOf(judgedBy) });
    return judgedBy;
  }

  /**
   * Says of failures that only a call told of, "curl httpbin.bar.global:8000 · upstream", at which proxy that call
   * ended, and that it was the handshake, where that proxy says so: what its caller got told it no more than that
   * nobody answered.
   */
  callsEndedAt({ at, tls }: CallEnd): void {
    const located = <T extends Pick<ClaimResult, 'diagnosis'>>(one: T): T => {
      const { diagnosis } = one;
      if (diagnosis?.hop.startsWith('curl ') !== true) return one;
      if (tls === undefined || diagnosis.code !== 'MP815')
        return { ...one, diagnosis: { ...diagnosis, hop: diagnosis.hop.replace(/^.*(?= · )/, at) } };
      const { title, remedy } = catalogue.MP813;
      const handshake = { code: 'MP813', hop: `${at} · TLS`, cause: `${title}: ${tls.slice(0, 300)}`, try: remedy };
      return { ...one, diagnosis: handshake };
    };
    for (const [key, claim] of this.#claims) this.#claims.set(key, located(claim));
    if (this.#stopped !== undefined) this.#stopped = located(this.#stopped);
  }

  /** Notes that the environment cannot show any of what is still open. */
  lacks(reason: string, code?: string): void {
    for (const claim of this.#open())
      this.#claims.set(claim.key, { ...unproven(claim, reason, code), verdict: 'notSupported' });
  }

  /** @throws MeshproofError MP719 for a step whose key is none, or not its own. */
  checkStep(key: string): void {
    checkKey(this.#meta.id, key, new Set([...Object.keys(this.#meta.claims), ...this.#steps.map((one) => one.key)]));
  }

  /** Notes a step that was played. */
  played(step: Keyed, seconds: number, { actions, hops, exchange }: Notes, failed: boolean): void {
    this.#failedStep = failed ? step : undefined;
    this.#seen = { hops, exchange };
    this.#steps.push({ ...step, seconds, actions, hops });
  }

  /**
   * Notes what failed outside of a claim: once, by the step that failed; the claims behind it were not reached.
   *
   * @param step in which it failed
   */
  stop(error: unknown, step: Keyed): void {
    const { verdict, reason, code } = verdictOf(error);
    if (verdict === 'notSupported') {
      this.lacks(reason ?? '', code);
      return;
    }
    this.#turnRed();
    for (const claim of this.#open())
      this.#claims.set(claim.key, {
        ...claim,
        verdict: 'notReached',
        seconds: 0,
        behind: step.key,
        actions: [],
        hops: [],
      });
    this.#stopped ??= {
      key: step.key,
      step: step.title,
      verdict: verdict === 'failed' ? 'failed' : 'error',
      ...(reason === undefined ? {} : { reason }),
      ...(code === undefined ? {} : { code }),
      ...diagnosisOf(this.#seen),
    };
  }

  /** @throws MeshproofError MP706 for a command of the page whose step was not played. */
  checkPage(): void {
    const missing = (this.#meta.walkthrough ?? []).filter(
      (row) => !this.#steps.some(({ key }) => key === row.step) && !this.#claims.has(row.step),
    );
    if (missing.length > 0)
      throw new MeshproofError('MP706', {
        what: `no step was played under the key ${missing.map((row) => row.step).join(', ')}`,
      });
  }

  /** All of it; what was never proven is an error. */
  result({ causes, replaced }: Pick<ScenarioResult, 'causes' | 'replaced'>): ScenarioResult {
    const { id, section } = this.#meta;
    return {
      id,
      section,
      seconds: secondsSince(this.#started),
      claims: this.#declared.map((claim) => this.#claims.get(claim.key) ?? unproven(claim, 'never proven', 'MP705')),
      steps: this.#steps,
      ...(this.#redAfter === undefined ? {} : { redAfter: this.#redAfter }),
      ...(this.#stopped === undefined ? {} : { stopped: this.#stopped }),
      ...(causes === undefined ? {} : { causes }),
      evidence: `evidence/${id}`,
      replaced,
    };
  }

  #open(): DeclaredClaim[] {
    return this.#declared.filter(({ key }) => !this.#claims.has(key));
  }

  #turnRed(): void {
    this.#redAfter ??= secondsSince(this.#started);
  }
}

/** Seconds, to the millisecond, since a reading of `performance.now()`. */
export const secondsSince = (started: number): number => Math.round(performance.now() - started) / 1000;
