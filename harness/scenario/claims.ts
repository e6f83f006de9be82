import { z } from 'zod';
import { hopSchema } from '../probe/trace.ts';
import { actionSchema } from './journal.ts';

/** The verdict on one claim, as plain data that crosses from the test worker into run.json. */
export const claimResultSchema = z.object({
  name: z.string(),
  verdict: z.enum(['passed', 'failed', 'notSupported', 'error']),
  seconds: z.number(),
  /** Why it failed, or why it is not supported. */
  reason: z.string().optional(),
  code: z.string().optional(),
  /** The first broken hop of its path, when that is what broke. */
  diagnosis: z.object({ code: z.string(), hop: z.string(), cause: z.string(), try: z.string() }).optional(),
  /** A figure that a claim which holds found: a count of failed calls, say. */
  note: z.string().optional(),
  /** What was done to prove it. */
  actions: z.array(actionSchema).default([]),
  /** The path that was followed for it, proxy by proxy. */
  hops: z.array(hopSchema).default([]),
});

export type ClaimResult = z.infer<typeof claimResultSchema>;

export const stepResultSchema = z.object({
  title: z.string(),
  seconds: z.number(),
  actions: z.array(actionSchema).default([]),
  hops: z.array(hopSchema).default([]),
});
export type StepResult = z.infer<typeof stepResultSchema>;

/** What a scenario leaves: its claims and steps, and the error that ended it before its last claim, if one did. */
export const scenarioResultSchema = z.object({
  id: z.string(),
  section: z.string(),
  seconds: z.number(),
  claims: z.array(claimResultSchema),
  steps: z.array(stepResultSchema),
  evidence: z.string(),
  /** What the page relies on and Istio no longer has, with what stands in for it. */
  replaced: z.array(z.object({ was: z.string(), by: z.string() })).default([]),
});

export type ScenarioResult = z.infer<typeof scenarioResultSchema>;

declare module '@vitest/runner' {
  interface TaskMeta {
    meshproof?: ScenarioResult;
  }
}
