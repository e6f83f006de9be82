import { z } from 'zod';

/** The verdict on one claim, as plain data that crosses from the test worker into run.json. */
export const claimResultSchema = z.object({
  name: z.string(),
  verdict: z.enum(['passed', 'failed', 'notSupported', 'error']),
  seconds: z.number(),
  /** Why it failed, or why it is not supported. */
  reason: z.string().optional(),
  code: z.string().optional(),
});

export type ClaimResult = z.infer<typeof claimResultSchema>;

export const stepResultSchema = z.object({ title: z.string(), seconds: z.number() });
export type StepResult = z.infer<typeof stepResultSchema>;

/** What a scenario leaves: its claims and steps, and the error that ended it before its last claim, if one did. */
export const scenarioResultSchema = z.object({
  id: z.string(),
  section: z.string(),
  seconds: z.number(),
  claims: z.array(claimResultSchema),
  steps: z.array(stepResultSchema),
  evidence: z.string(),
});

export type ScenarioResult = z.infer<typeof scenarioResultSchema>;

declare module '@vitest/runner' {
  interface TaskMeta {
    meshproof?: ScenarioResult;
  }
}
