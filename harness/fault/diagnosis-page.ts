import type { Fault } from './fault.ts';
import type { FaultOutcome } from './judge.ts';

/**
 * docs/diagnosis.md: every fault with what became of it when it was put in the last time.
 *
 * @param outcomes the newest of each fault that was ever put in
 */
export function diagnosisPage(faults: readonly Fault[], outcomes: ReadonlyMap<string, FaultOutcome>): string {
  const known = faults.flatMap(({ id }) => outcomes.get(id) ?? []).filter(({ notPutIn }) => notPutIn === undefined);
  const caught = known.filter((outcome) => outcome.caught);
  const seconds = caught.map((outcome) => outcome.seconds).sort((left, right) => left - right);
  const rows = faults.map(({ id, breaks, at, cause }) => {
    const outcome = outcomes.get(id);
    const told =
      outcome === undefined
        ? ['not injected yet', '', '', '', '']
        : [
            outcome.notPutIn !== undefined
              ? 'could not be injected here'
              : outcome.caught
                ? outcome.cause
                  ? 'caught, right cause'
                  : 'caught, another cause'
                : 'missed',
            outcome.caught ? `${outcome.seconds.toFixed(1)} s` : '',
            cell(outcome.told),
            outcome.istioctl?.analyze ?? '',
            outcome.istioctl?.proxyStatus ?? '',
          ];
    return (
      `| \`${id}\` | ${cell(breaks)} (${at}) | ${cause.map((one) => `\`${one}\``).join(' or ')} | ` +
      `${told.join(' | ')} |`
    );
  });
  return [
    '# Faults, and what meshproof reports',
    '',
    '`meshproof fault run` injects these faults into a kept pair of clusters, one at a time, and removes them again.',
    '`npm run docs:diagnosis` makes this page from the outcomes; nothing on it is written by hand. The last two',
    'columns show what `istioctl analyze -A` and `istioctl proxy-status` reported at the same moment, compared with',
    'what they report about the healthy mesh: the right object, nothing, or something else.',
    '',
    `${known.length} of ${faults.length} faults were injected: ${caught.length} caught, ` +
      `${known.filter((outcome) => outcome.cause).length} with the right object as the first cause` +
      `${
        seconds.length === 0
          ? ''
          : `; median ${(seconds[Math.floor(seconds.length / 2)] ?? 0).toFixed(1)} s from the start of the ` +
            'scenario to red'
      }.`,
    '',
    '| fault | what it breaks | right cause | result | red after | first cause | analyze | proxy-status |',
    '|---|---|---|---|---:|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
