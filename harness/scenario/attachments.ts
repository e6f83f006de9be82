import { describeTrace } from '../probe/trace.ts';
import type { ScenarioResult } from './claims.ts';
import { typed } from './journal.ts';

/** A text that a report shows beside a scenario. */
export interface Attachment {
  readonly title: string;
  readonly text: string;
}

/** What was run and seen for each step and claim of a scenario: commands with manifests and answers, and the paths that were followed. */
export function attachmentsOf({ steps, claims }: ScenarioResult): Attachment[] {
  const all = [...steps, ...claims.map((claim) => ({ ...claim, title: `claim: ${claim.name}` }))];
  return all.flatMap(({ title, hops, actions }) => {
    const text = [...(hops.length === 0 ? [] : [describeTrace(hops)]), ...actions.map((action) => `${typed(action)}\n${action.output}`)].join('\n\n');
    return text === '' ? [] : [{ title, text }];
  });
}
