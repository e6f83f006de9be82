import { providerNamed } from '../cluster/providers/registry.ts';
import type { Provider, ProviderContext } from '../cluster/providers/provider.ts';
import type { Environment } from '../scenario/environment.ts';
import { Docker } from '../toolchain/docker.ts';
import type { Config } from '../config/config.ts';
import { knownOwner, newOwner } from './owner.ts';
import { stateFolder } from './state.ts';

/** The id that an environment has, or would get. */
const ownerOf = async (name: string): Promise<string> => (await knownOwner(name)) ?? newOwner(name);

/**
 * The provider that a config asks for. Whoever will write to its clusters keeps the owner's id first.
 *
 * @param tools the engine and the provider's own program, where clusters are to be made
 */
export async function providerOf(config: Config, tools?: ProviderContext['tools']): Promise<Provider> {
  const { name, provider, clusters, contexts, kubeconfig, addressPools: pools } = config;
  const owner = await ownerOf(name);
  const folder = stateFolder(name);
  return await providerNamed(provider).of({ name, clusters, contexts, kubeconfig, pools, owner, folder, tools });
}

/** The provider of an environment that is there, whole or half made. */
export async function providerOfEnvironment(environment: Environment): Promise<Provider> {
  const { name, provider, clusterNames: clusters, dockerHost, programs } = environment;
  return await providerNamed(provider).of({
    name,
    clusters,
    owner: await ownerOf(name),
    folder: stateFolder(name),
    tools: { docker: new Docker(programs.docker, dockerHost), program: programs.kind },
  });
}
