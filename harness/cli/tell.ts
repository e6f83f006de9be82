import { forTerminal } from '../progress/visible.ts';
import { redactText } from '../tape/redact/text.ts';

/**
 * Prints a result on stdout. It may hold words of a pod, or of a record that somebody sent: a terminal, and a job's
 * log, obey none of them. `written` is called when all of it is with its reader.
 */
export function tell(text: string, written?: () => void): void {
  process.stdout.write(forTerminal(text), written);
}

/** Prints what is no result on stderr, in the same way: progress, and what went wrong. Secrets in it are redacted. */
export function complain(text: string): void {
  process.stderr.write(forTerminal(redactText(text)));
}
