import { parseAllDocuments, stringify } from 'yaml';
import type { ClaimResult, ScenarioResult } from '../scenario/claims.ts';
import { typed, type Action } from '../scenario/journal.ts';
import { fenced } from './markdown.ts';
import { answersTo } from './command-output.ts';
import type { CoveredCommand } from './coverage.ts';
import type { Page, PageCommand } from './page.ts';
import type { RunData } from './run-data.ts';
import { signs, summary, worstOf } from './summary.ts';

/**
 * The executed page, as Markdown: its own text and commands in their order, each command with what this run did for it
 * and what came back. Everything is read from run.json; nothing is run.
 */
export function transcript(page: Page, covered: readonly CoveredCommand[], data: RunData): string {
  const body = page.parts.map((part) => {
    switch (part.kind) {
      case 'heading':
        return `${'#'.repeat(part.depth)} ${part.text}`;
      case 'tab':
        return `**${part.text}**`;
      case 'prose':
        return part.text;
      case 'fence':
        return part.commands.map((command) => executed(command, covered, data)).join('\n\n');
    }
  });
  return `${[`# ${page.title}`, summary(data), howToRead, ...body].join('\n\n')}\n`;
}

/** Not every line below a command was printed by that very command. */
const howToRead = [
  '> What `kubectl exec`, `dig` and `docker run` show is what the program printed. All else was done through the API',
  '> of each cluster: the `kubectl` command in its place does the same, and the lines below it are put together from',
  '> what the API server answered.',
].join('\n');

function executed(command: PageCommand, covered: readonly CoveredCommand[], data: RunData): string {
  const steps = covered.find((row) => row.command.id === command.id)?.steps ?? [];
  const runs = steps.map(({ by, step, instead }) => {
    const played = find(data, by, step);
    const reason = instead === undefined ? '' : `\n> In its place: ${instead}\n`;
    if (played === undefined) return `_\`${by}\` › \`${step}\`: not played in this run._\n${reason}`;
    const answers = answersTo(command, played.actions, data.clusters);
    return [
      `${signs[played.verdict]} \`${by}\` › ${played.says}`,
      reason,
      ...answers.map((answer) => fenced('console', `${typed(aboutCommand(answer, command))}\n${answer.output}`)),
    ]
      .filter((text) => text !== '')
      .join('\n');
  });
  const told = runs.length === 0 ? '_No step carries this out._' : runs.join('\n\n');
  return [fenced('bash', command.text), told].join('\n\n');
}

/**
 * The action with what it read, where the page's command reads something; of several objects only those that the
 * command is about.
 */
function aboutCommand({ input, ...action }: Action, { text }: PageCommand): Action {
  if (input === undefined || !text.includes('<<EOF')) return action;
  const names = action.output.split('\n').map((line) => line.split(' ')[0] ?? '');
  const about = parseAllDocuments(input).map(
    (document) => document.toJS() as { kind?: string; metadata?: { name?: string } } | null,
  );
  const wanted = about.filter((object) =>
    names.some(
      (name) =>
        name.startsWith((object?.kind ?? '').toLowerCase()) && name.endsWith(`/${object?.metadata?.name ?? ''}`),
    ),
  );
  return { ...action, input: wanted.length > 0 ? wanted.map((object) => stringify(object)).join('---\n') : input };
}

/** A step or a claim of the run by the key under which it is mapped. */
function find(
  { setUp, scenarios }: RunData,
  by: string,
  key: string,
):
  { readonly says: string; readonly verdict: ClaimResult['verdict']; readonly actions: readonly Action[] } | undefined {
  const owner: Pick<ScenarioResult, 'steps' | 'claims'> | undefined =
    by === 'up' ? { steps: setUp, claims: [] } : scenarios.find(({ id }) => id === by);
  const claim = owner?.claims.find((one) => one.key === key);
  if (claim !== undefined) return { ...claim, says: claim.name };
  const steps = owner?.steps.filter((one) => one.key === key) ?? [];
  const [first] = steps;
  if (owner === undefined || first === undefined) return undefined;
  return {
    says: first.title,
    verdict: owner.claims.length === 0 ? 'passed' : worstOf(owner.claims),
    actions: steps.flatMap(({ actions }) => actions),
  };
}
