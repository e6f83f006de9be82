import type { Target } from '../cluster/cluster-editor.ts';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import type { TopologyName } from '../mesh/topologies/names.ts';

/** How a fault is put in; each can be taken out again exactly. */
export type Injection =
  /**
   * An object that was not there; its namespace is made first where no scenario has made it yet. "{gateway}" in it is
   * the address of the server's gateway.
   */
  | { readonly add: KubernetesObject }
  /** A JSON merge patch of an object that is there. */
  | { readonly patch: Target; readonly with: object }
  /** The same as a strategic merge patch: one container of several, say. */
  | { readonly strategic: Target; readonly with: object }
  /** The CA of the cluster becomes one of a root of its own, or the very one of the peer. */
  | { readonly cacerts: 'another root' | 'the peer’s' }
  /** An object that goes; with `leaves`, what belongs to it does not go with it. */
  | { readonly remove: Target; readonly leaves?: 'its pods' }
  /** A text of an object in which one part is replaced by another, wherever it stands. */
  | { readonly edit: Target; readonly field: readonly [string, string]; readonly from: string; readonly to: string }
  /**
   * A command on the cluster's node, and the one that undoes it. "{gateway}" is the address of the server's gateway.
   */
  | { readonly onNode: string; readonly undo: string };

/** One thing that breaks a call between clusters for real. */
export interface Fault {
  readonly id: string;
  /** What it breaks, as a sentence. */
  readonly breaks: string;
  /** Where it is put in: at the client's cluster, or at the server's. */
  readonly at: 'client' | 'server';
  readonly inject: Injection;
  /** A DaemonSet without which the fault breaks nothing: a network plugin that heeds NetworkPolicies, say. */
  readonly needs?: { readonly daemonSet: string; readonly since: string };
  /** Workloads that are restarted once it is in, and once more when it is out: they show it only in new pods. */
  readonly restarts?: readonly Target[];
  /** Pods that go once it is in, and once more when it is out; whether they come again is up to the fault. */
  readonly deletes?: { readonly kind: 'pods'; readonly namespace: string; readonly selector: string };
  /** The object or component that a right cause names; any of them. */
  readonly cause: readonly string[];
  /** Scenarios whose claims must notice; direct-sidecar unless said. */
  readonly noticedBy?: readonly string[];
  /**
   * Claims that it must turn red, "scenario: key": refuted, or behind a step that it makes fail. Others may turn red as
   * well.
   */
  readonly kills?: readonly string[];
  /** The topology that has what it breaks; the page's own unless said. */
  readonly topology?: TopologyName;
}
