import type { ClaimResult, ScenarioResult } from '../scenario/claims.ts';
import { visible } from '../progress/visible.ts';
import { causeTitle } from './causes.ts';
import type { RunData } from './run-data.ts';

/**
 * junit.xml of a run: a suite for each scenario, a test case for each claim. A case is named by the claim's key, so
 * that a CI system's history survives a sentence that is reworded; the sentence is its property `claim`. A claim that
 * does not hold carries the scenario's cause as its message, so that a CI page names it without being opened; one that
 * was not reached is skipped.
 */
export function junitReport({ scenarios }: Pick<RunData, 'scenarios'>): string {
  const cases = scenarios.map((scenario) => ({ scenario, cases: casesOf(scenario) }));
  const suites = cases.map(({ scenario, cases: lines }) => {
    const { id, seconds, claims, stopped } = scenario;
    const count = (verdict: ClaimResult['verdict']): number =>
      claims.filter((claim) => claim.verdict === verdict).length;
    const failures = count('failed') + (stopped?.verdict === 'failed' ? 1 : 0);
    const errors = count('error') + (stopped?.verdict === 'error' ? 1 : 0);
    const skipped = count('notSupported') + count('notReached');
    return [
      `  <testsuite name="${text(id)}" tests="${lines.length}" failures="${failures}" errors="${errors}" ` +
        `skipped="${skipped}" time="${seconds.toFixed(3)}">`,
      ...lines,
      '  </testsuite>',
    ].join('\n');
  });
  const all = cases.reduce((sum, one) => sum + one.cases.length, 0);
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="meshproof" ' +
    `tests="${all}">\n${suites.join('\n')}\n</testsuites>\n`
  );
}

function casesOf({ id, claims, causes = [], stopped }: ScenarioResult): string[] {
  const [cause] = causes;
  const because = cause === undefined ? undefined : `${cause.code} ${causeTitle(cause)}: ${cause.does}`;
  const broken = (verdict: 'failed' | 'error', reason = '', code?: string): string => {
    const element = verdict === 'failed' ? 'failure' : 'error';
    const message = because ?? reason.split('\n')[0] ?? '';
    return (
      `<${element} ` +
      `message="${text(message)}"${code === undefined ? '' : ` type="${text(code)}"`}>${text(reason)}</${element}>`
    );
  };
  const row = (key: string, sentence: string, seconds: number, inner: string): string => {
    const says = `<properties><property name="claim" value="${text(sentence)}"/></properties>`;
    return (
      `    <testcase classname="${text(id)}" name="${text(key)}" ` +
      `time="${seconds.toFixed(3)}">${says}${inner}</testcase>`
    );
  };
  return [
    ...claims.map(({ key, name, verdict, seconds, behind, reason, code }) => {
      switch (verdict) {
        case 'passed':
          return row(key, name, seconds, '');
        case 'notSupported':
          return row(key, name, seconds, `<skipped message="${text(`not supported: ${reason ?? ''}`)}"/>`);
        case 'notReached':
          return row(
            key,
            name,
            seconds,
            `<skipped message="${text(`not reached: behind the step ${behind ?? reason ?? ''}`)}"/>`,
          );
        case 'failed':
        case 'error':
          return row(key, name, seconds, broken(verdict, reason, code));
      }
    }),
    ...(stopped === undefined
      ? []
      : [row(`step-${stopped.key}`, stopped.step, 0, broken(stopped.verdict, stopped.reason, stopped.code))]),
  ];
}

/** Text as XML takes it: what is no character of XML 1.0 is left out. */
const text = (words: string): string =>
  visible(words)
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;');
