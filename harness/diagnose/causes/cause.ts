import { z } from 'zod';
import type { ErrorCode } from '../../errors/catalogue.ts';
import type { ObjectChange } from '../changes.ts';
import type { Concern, Situation } from '../situation.ts';

/**
 * The layers that a call stands on, lowest first: what breaks below shows as many things above, so of two causes the
 * lower one is told first.
 */
export const layers = [
  'machine and network',
  'pods and images',
  'control plane',
  'names and addresses',
  'trust',
  'mesh objects',
  'workload',
] as const;
export type Layer = (typeof layers)[number];

/** The error code of each layer; `meshproof explain <code>` tells more. */
export const layerCodes: Readonly<Record<Layer, ErrorCode>> = {
  'machine and network': 'MP820',
  'pods and images': 'MP821',
  'control plane': 'MP822',
  'names and addresses': 'MP823',
  trust: 'MP824',
  'mesh objects': 'MP825',
  workload: 'MP826',
};

/** Why something does not work: this object, or component, of this cluster does this. */
export const causeSchema = z.object({
  code: z.string(),
  layer: z.enum(layers),
  cluster: z.string(),
  /** "VirtualService bar/httpbin", "Deployment istio-system/istiod", "node west-control-plane". */
  object: z.string(),
  /** The field that does it, e.g. "spec.http.0.fault.abort". */
  field: z.string().optional(),
  /** What it does, as a sentence. */
  does: z.string(),
  try: z.string(),
  /** What was seen that says so. */
  seen: z.array(z.string()).readonly().default([]),
  /**
   * What `run --prove` found: with the suspect as it was when the mesh was ready the claims hold (`proven`), or they
   * still do not (`refuted`).
   */
  proof: z.object({ verdict: z.enum(['proven', 'refuted', 'notTried']), how: z.string() }).optional(),
});
export type Cause = Readonly<z.infer<typeof causeSchema>>;

/** A cause with the weight that its explainer gives it. */
export interface Suspect extends Omit<Cause, 'code' | 'proof'> {
  /**
   * How sure its own evidence makes it: 3, the failure's own words name it; 2, it is not as it was, or cannot work as
   * it is; 1, it could do this and nothing else speaks for it.
   */
  readonly certainty: 1 | 2 | 3;
}

/** All that an explainer is given. */
export interface Question {
  readonly situation: Situation;
  readonly concern: Concern;
  /** What is not as meshproof left it, in all clusters. */
  readonly changes: readonly ObjectChange[];
}

/** One kind of cause: a pure function from what was seen to suspects. */
export type Explainer = (question: Question) => readonly Suspect[];
