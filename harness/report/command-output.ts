import type { Action } from '../scenario/journal.ts';
import type { PageCommand } from './page.ts';

/**
 * What a command of the page asks for: the clusters by their place, and how to tell the lines of a run that answer it.
 */
interface Intent {
  /** 0 for the page's cluster1, 1 for cluster2; undefined means every cluster. */
  readonly cluster: number | undefined;
  /** The command of the run that does the same. */
  readonly command: RegExp;
  /** The lines of its output that answer; all of them by default. */
  readonly lines?: RegExp;
}

/**
 * Reads what a command of the page does. kubectl's own words decide; the names in it are the example's and may be the
 * run's own.
 */
export function intentOf({ text }: PageCommand): Intent {
  const cluster = text.includes('$CTX_CLUSTER1') ? 0 : text.includes('$CTX_CLUSTER2') ? 1 : undefined;
  const sample = /@samples\/(\w+)\//.exec(text)?.[1];
  const kind = /^\s*kind: (\w+)$/m.exec(text)?.[1]?.toLowerCase();
  const [, verb = ''] = /^(?:export \w+=\$\()?(\w+ \w+)/.exec(text) ?? [];
  switch (verb) {
    case 'kubectl create':
      if (text.includes('secret')) return { cluster, command: /kubectl create secret/ };
      return text.includes('namespace')
        ? { cluster, command: /kubectl apply/, lines: /^namespace\// }
        : { cluster, command: /kubectl create clusterrolebinding/ };
    case 'kubectl label':
      return { cluster, command: /kubectl apply/, lines: /^namespace\// };
    case 'kubectl apply':
      if (sample !== undefined)
        return {
          cluster,
          command: /kubectl apply/,
          lines: new RegExp(`^(serviceaccount|service|deployment\\.apps)/${sample}`),
        };
      return {
        cluster,
        command: /kubectl (apply|replace)|coredns|^dig /,
        lines: kind === 'serviceentry' ? /^serviceentry\./ : /configmap\/|CoreDNS-\d|^\d+\.\d+\.\d+\.\d+$/,
      };
    case 'kubectl delete':
      if (text.includes('istio.yaml')) return { cluster, command: /istio\.yaml/ };
      if (sample !== undefined)
        return {
          cluster,
          command: /kubectl delete/,
          lines: new RegExp(`^(serviceaccount|service|deployment\\.apps) "${sample}"`),
        };
      return {
        cluster,
        command: /kubectl delete/,
        lines: text.includes('serviceentry')
          ? /^serviceentry\./
          : text.includes('istio-system')
            ? /^namespace "istio-system"/
            : /^namespace "/,
      };
    case 'kubectl get':
      return { cluster, command: text.includes(' svc ') ? /kubectl get .* svc / : /kubectl get .* pod / };
    case 'kubectl exec':
      return { cluster, command: /kubectl exec .* curl / };
    default:
      return { cluster, command: new RegExp(verb.split(' ')[0] ?? '') };
  }
}

/**
 * The actions of a run that answer a command of the page, each with the lines of its output that do; of several curls
 * the first.
 */
export function answersTo(command: PageCommand, actions: readonly Action[], clusters: readonly string[]): Action[] {
  const intent = intentOf(command);
  const wanted = intent.cluster === undefined ? undefined : clusters[intent.cluster];
  const found = actions
    .filter(
      ({ cluster, command: ran }) =>
        (wanted === undefined || cluster === wanted || cluster === 'beside') && intent.command.test(ran),
    )
    .map((action) => ({
      ...action,
      output:
        intent.lines === undefined
          ? action.output
          : action.output
              .split('\n')
              .filter((line) => intent.lines?.test(line))
              .join('\n'),
    }))
    .filter(({ output }) => intent.lines === undefined || output !== '');
  // A claim of presence calls several times in a row; one of them shows it.
  const distinct = found.filter(
    ({ command: ran }, index) =>
      found.findIndex((other) => other.command === ran && other.output === found[index]?.output) === index,
  );
  return intent.command.source.includes('curl') ? distinct.slice(0, 1) : distinct;
}
