import { expect, RemoteSample, scenario } from 'meshproof';

const sample = new RemoteSample('first');
export default scenario(
  {
    id: 'first',
    section: 'My mesh',
    claims: { answers: 'a service of the other cluster answers' },
    needs: sample.needs,
  },
  async ({ client, server, claim }) => {
    const { client: sleep } = await sample.deploy(client, server);
    await claim('answers', async () => {
      await expect(() => sleep.curl(sample.url('/headers'))).toEventuallyHaveStatus(200);
    });
  },
);
