import { z } from 'zod';

/** One thing that was done to a cluster, as the command that does the same by hand, with what came back. */
export const actionSchema = z.object({
  cluster: z.string(),
  command: z.string(),
  /** What the command reads from its standard input, a manifest say. */
  input: z.string().optional(),
  output: z.string(),
});

export type Action = z.infer<typeof actionSchema>;

const longest = 4_000;

/** Notes what steps and claims do while they do it; whoever plays them takes the notes out after each. */
export class Journal {
  #actions: Action[] = [];

  note(action: Action): void {
    this.#actions.push({ ...action, output: shorten(action.output) });
  }

  /** All notes since the last call. */
  take(): Action[] {
    return this.#actions.splice(0);
  }
}

const shorten = (text: string): string => (text.length <= longest ? text : `${text.slice(0, longest)}\n… ${text.length - longest} more characters`);
