import { existing } from './existing.ts';
import { kind } from './kind.ts';
import type { Capability, ProviderDefinition } from './provider.ts';

/** Every provider, by the name that a config gives it. A new one is a file beside these, and a line here. */
export const providers = { kind, existing } as const satisfies Readonly<Record<string, ProviderDefinition>>;

export type ProviderName = keyof typeof providers;
export const providerNames = Object.keys(providers) as [ProviderName, ...ProviderName[]];

export const providerNamed = (name: ProviderName): ProviderDefinition => providers[name];

/** Whether clusters of a provider can be used for something. */
export const offers = (name: ProviderName, capability: Capability): boolean =>
  providerNamed(name).capabilities.has(capability);
