import type { ClaimResult, ScenarioResult, StepResult } from './claims.ts';

/** A text that a report shows beside a scenario. */
export interface Attachment {
  readonly title: string;
  readonly text: string;
}

/** What was run and seen for each step and claim of a scenario: commands with manifests and answers, and the paths that were followed. */
export function attachmentsOf({ steps, claims }: ScenarioResult): Attachment[] {
  return [...steps.map((step) => ({ title: step.title, notes: step })), ...claims.map((claim) => ({ title: `claim: ${claim.name}`, notes: claim }))].flatMap(({ title, notes }) => {
    const text = [...pathLines(notes), ...notes.actions.map(({ command, input, output }) => `$ ${command}${input === undefined ? '' : ` <<EOF\n${input.trimEnd()}\nEOF`}\n${output}`)].join('\n\n');
    return text === '' ? [] : [{ title, text }];
  });
}

function pathLines({ hops }: Pick<StepResult | ClaimResult, 'hops'>): string[] {
  if (hops.length === 0) return [];
  return [hops.map(({ proxy, hop, expected, found, nearest }) => (found === undefined ? `✗ ${proxy} · ${hop}: expected ${expected}, nearest: ${nearest.join(' | ') || 'nothing'}` : `✓ ${proxy} · ${hop}: ${found}`)).join('\n')];
}
