import { expect, RemoteSample, scenario } from 'meshproof';

const sample = new RemoteSample('first');
const claims = ['a service of the other cluster answers'] as const;

export default scenario(
  { id: 'first', section: 'My mesh', claims, needs: sample.needs },
  async ({ client, server, claim }) => {
    const { client: sleep } = await sample.deploy(client, server);
    await claim('a service of the other cluster answers', async () => {
      await expect(() => sleep.curl(sample.url('/headers'))).toEventuallyHaveStatus(200);
    });
  },
);
