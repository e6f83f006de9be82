import { expect, RemoteSample, scenario } from 'meshproof';

const sample = new RemoteSample('first');
const claims = { answers: 'a service of the other cluster answers' };

export default scenario({ id: 'first', section: 'My mesh', claims, needs: sample.needs }, async (run) => {
  const { sleep, connect } = await sample.deploy(run);
  const path = await connect();
  await run.claim('answers', async () => {
    await expect(() => sleep.curl(path.url('/headers'))).toEventuallyHaveStatus(200);
  });
});
