import { describeTrace } from '../probe/trace.ts';
import { typed, type Notes } from './journal.ts';

/** A text that a report shows beside a step or a claim. */
export interface Attachment {
  readonly title: string;
  readonly text: string;
}

const longestTitle = 100;

/**
 * What was run and seen for one step or claim: each command with its manifest and its answer, and the path that was
 * followed through the dumps.
 */
export function attachmentsOf({ hops, actions }: Pick<Notes, 'hops' | 'actions'>): Attachment[] {
  const path = hops.length === 0 ? [] : [{ title: 'path, as the config dumps have it', text: describeTrace(hops) }];
  return [
    ...path,
    ...actions.map((action) => ({
      title: action.command.length > longestTitle ? `${action.command.slice(0, longestTitle)}…` : action.command,
      text: `${typed(action)}\n${action.output}`,
    })),
  ];
}
