import type { Fault } from './fault.ts';
import { opinionSchema } from './istioctl.ts';
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

/** What a page says of its faults: of those that are not put in again, the next page says the same. */
export function outcomesOf(page: string): Map<string, FaultOutcome> {
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  return new Map(
    rows.flatMap((row) => {
      const [, id = '', , , result = '', after = '', told = '', analyze, proxyStatus] = row
        .split(/(?<!\\)\|/)
        .map((text) => text.trim().replaceAll('\\|', '|'));
      const name = id.replaceAll('`', '');
      if (result === 'not injected yet') return [];
      const [first, second] = [opinionSchema.safeParse(analyze), opinionSchema.safeParse(proxyStatus)];
      return [
        [
          name,
          {
            id: name,
            caught: result.startsWith('caught'),
            hop: false,
            cause: result === 'caught, right cause',
            told,
            seconds: Number.parseFloat(after) || 0,
            killed: [],
            ...(result === 'could not be injected here' ? { notPutIn: told } : {}),
            ...(first.success && second.success ? { istioctl: { analyze: first.data, proxyStatus: second.data } } : {}),
          },
        ] as const,
      ];
    }),
  );
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
