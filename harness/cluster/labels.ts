/** The owner that server-side apply records for every field meshproof sets. */
export const fieldManager = 'meshproof';
/** Label of what a scenario applies for itself and takes away when it ends, with the scenario's id. */
export const scenarioLabel = 'meshproof/scenario';
/** Label of everything meshproof makes in a cluster; nothing without it is ever deleted. */
export const ownLabel = 'app.kubernetes.io/managed-by';
/**
 * Label that says whose it is: the id of the environment that made an object. Two people on one cluster have one each.
 */
export const ownerLabel = 'meshproof/owner';

/**
 * Label, with its value, by which `down` finds the containers beside the clusters that a killed run of an environment
 * left; never those of another environment that is at work.
 */
export const ownContainerLabel = (environment: string): string => `meshproof.outside-client=${environment}`;

/**
 * Label, with the value "true", of a namespace that an administrator lends: it is used as it is, and never changed or
 * deleted.
 */
export const lentLabel = 'meshproof/lent';

/** The labels of what an owner makes. */
export const ownLabels = (owner: string | undefined): Record<string, string> => ({
  [ownLabel]: fieldManager,
  ...(owner === undefined ? {} : { [ownerLabel]: owner }),
});

/** Whether an object is this owner's: made by meshproof, and for this environment. Without an owner nothing is. */
export const isOwn = (
  { metadata }: { readonly metadata: { readonly labels?: Readonly<Record<string, string>> | undefined } },
  owner: string | undefined,
): boolean =>
  owner !== undefined && metadata.labels?.[ownLabel] === fieldManager && metadata.labels[ownerLabel] === owner;
