import { forTerminal } from '../progress/visible.ts';

/** Prints a result on stdout. It may hold words of a pod, or of a record that somebody sent: a terminal, and a job's log, obey none of them. */
export function tell(text: string): void {
  process.stdout.write(forTerminal(text));
}
