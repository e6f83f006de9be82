import { z } from 'zod';
import { causeSchema } from '../diagnose/causes/cause.ts';
import { hopSchema } from '../probe/trace.ts';
import { actionSchema } from './journal.ts';
import { keySchema, withKey } from './keys.ts';

/**
 * The longest text, in characters, and the longest list that the record of a run holds: bounds for a record that
 * somebody else wrote.
 */
const longest = { word: 10_000, text: 4_000_000, list: 100_000 } as const;
const word = z.string().max(longest.word);
const text = z.string().max(longest.text);
const list = <Item extends z.ZodType>(item: Item): z.ZodArray<Item> => z.array(item).max(longest.list);

/**
 * A scenario's id: its path below scenarios/, without the ending. It is the place of its evidence below `evidence/`,
 * too.
 */
export const scenarioIdSchema = z
  .string()
  .max(200)
  .regex(/^\w[\w.-]*(\/\w[\w.-]*)*$/, 'the path of a scenario file below scenarios/');

/** The verdict on one claim, as plain data that crosses from the test worker into run.json. */
const judgedClaimSchema = z.object({
  /** What names it within its scenario. */
  key: keySchema,
  /** The sentence. */
  name: word,
  /** `notReached`: a step before it failed, so nothing was seen that speaks for it or against it. */
  verdict: z.enum(['passed', 'failed', 'notSupported', 'notReached', 'error']),
  seconds: z.number(),
  /** Key of the step that kept it from being reached. */
  behind: word.optional(),
  /** Why it failed, or why it is not supported. */
  reason: text.optional(),
  code: word.optional(),
  /** The first broken hop of its path, when that is what broke. */
  diagnosis: z.object({ code: word, hop: word, cause: text, try: text }).optional(),
  /** A figure that a claim which holds found: a count of failed calls, say. */
  note: text.optional(),
  /** What was done to prove it. */
  actions: list(actionSchema).default([]),
  /** The path that was followed for it, proxy by proxy. */
  hops: list(hopSchema).default([]),
});
const claimResultSchema = z.preprocess(withKey('name'), judgedClaimSchema);

export type ClaimResult = z.infer<typeof claimResultSchema>;

export const stepResultSchema = z.preprocess(
  withKey('title'),
  z.object({
    /** What names it within its scenario. */
    key: keySchema,
    /** The sentence. */
    title: word,
    seconds: z.number(),
    actions: list(actionSchema).default([]),
    hops: list(hopSchema).default([]),
  }),
);
export type StepResult = z.infer<typeof stepResultSchema>;

/** The step that ended a scenario: claims behind it were not reached. */
const stoppedSchema = z.preprocess(
  withKey('step'),
  z.object({
    key: keySchema,
    /** The sentence. */
    step: word,
    /** `failed` when the mesh did not do what the step waited for; `error` when nothing can be said about it. */
    verdict: z.enum(['failed', 'error']),
    reason: text.optional(),
    code: word.optional(),
    diagnosis: z.object({ code: word, hop: word, cause: text, try: text }).optional(),
  }),
);
export type Stopped = z.infer<typeof stoppedSchema>;

/** What a scenario leaves: its claims and steps, and the error that ended it before its last claim, if one did. */
export const scenarioResultSchema = z.object({
  id: scenarioIdSchema,
  section: word,
  seconds: z.number(),
  claims: list(claimResultSchema),
  steps: list(stepResultSchema),
  /** Seconds until the first claim or step that did not hold; absent when all held. */
  redAfter: z.number().optional(),
  /** The step that failed, if one did. */
  stopped: stoppedSchema.optional(),
  /** Why claims of it do not hold, the likeliest cause first; absent where nobody looked around. */
  causes: list(causeSchema).optional(),
  /** Its evidence, relative to the run's folder; older records have a path of the machine that they were made on. */
  evidence: word,
  /** Answers, config dumps mostly, that are not among its evidence, since the run's budget for that was used up. */
  leftOut: z.object({ answers: z.number(), bytes: z.number() }).optional(),
  /** What the page relies on and Istio no longer has, with what stands in for it. */
  replaced: list(z.object({ was: word, by: word })).default([]),
});

export type ScenarioResult = z.infer<typeof scenarioResultSchema>;

declare module '@vitest/runner' {
  interface TaskMeta {
    meshproof?: ScenarioResult;
  }
}
