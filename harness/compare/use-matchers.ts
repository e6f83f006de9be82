/**
 * vitest's `expect` with the matchers that scenarios use, for whoever plays one outside of a test; there is no file
 * then that it could belong to.
 *
 * @returns how many assertions were made so far
 */
export async function useMatchers(): Promise<() => number> {
  const [{ expect }, { convergingMatchers, meshMatchers }] = await Promise.all([
    import('vitest'),
    import('../scenario/matchers.ts'),
  ]);
  expect.setState({ testPath: '' });
  expect.extend({ ...meshMatchers, ...convergingMatchers });
  return () => expect.getState().assertionCalls;
}
