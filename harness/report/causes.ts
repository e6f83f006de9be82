import type { Cause } from '../diagnose/causes/cause.ts';

/** What names a cause in one line: "east · VirtualService bar/httpbin · spec.http.0.fault.abort". */
export const causeTitle = ({ cluster, object, field }: Cause): string =>
  [cluster, object, field].filter((part) => part !== undefined && part !== '').join(' · ');

/** The likeliest cause as lines, and the others by their names. */
export function describeCauses(causes: readonly Cause[]): string[] {
  const [first, ...others] = causes;
  if (first === undefined) return [];
  return [
    `${first.code} ${causeTitle(first)}`,
    `  cause    ${first.does}`,
    `  try      ${first.try}`,
    ...(first.proof === undefined ? [] : [`  ${proofWord(first.proof)} ${first.proof.how}`]),
    ...first.seen.slice(0, 4).map((line) => `  seen     ${line}`),
    ...others.slice(0, 2).map((cause) => `  or       ${cause.code} ${causeTitle(cause)}: ${cause.does}`),
  ];
}

/** "proven", "refuted", "unproven": as wide as the other words of a cause. */
export const proofWord = ({ verdict }: NonNullable<Cause['proof']>): string =>
  ({ proven: 'proven  ', refuted: 'refuted ', notTried: 'unproven' })[verdict];
