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
        ? ['not put in yet', '', '', '', '']
        : [
            outcome.notPutIn !== undefined
              ? 'could not be put in'
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
    '# What breaks, and what is told',
    '',
    'Faults that `meshproof fault run` puts into a kept pair of clusters, one after the other, and takes out ' +
      'again. This page is made of what',
    'became of them by `npm run docs:diagnosis`; nothing in it is written by hand. The last two columns are ' +
      'what `istioctl analyze -A` and',
    '`istioctl proxy-status` said at the same moment, beside what they say of the healthy mesh: the right ' +
      'object, nothing, or something else.',
    '',
    `${known.length} of ${faults.length} faults were put in: ${caught.length} caught, ` +
      `${known.filter((outcome) => outcome.cause).length} with the right object as the first cause` +
      `${
        seconds.length === 0
          ? ''
          : '; median ' +
            `${(seconds[Math.floor(seconds.length / 2)] ?? 0).toFixed(1)} s from the scenario’s begin to ` +
            'red'
      }.`,
    '',
    '| fault | breaks | right cause | became | red after | told first | analyze | proxy-status |',
    '|---|---|---|---|---:|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
