/**
 * Waits for all of several waits, whatever becomes of each, and then fails as the first of them in this order did.
 * Waits for the proxies of a path are listed as traffic meets them: what comes behind a broken one is never reached, so
 * it must not be the one that is told, however early it gave up. A replay, in which no wait takes time, fails alike.
 *
 * @throws what the first one that failed threw
 */
export async function allInOrder<T>(waits: readonly Promise<T>[]): Promise<T[]> {
  const ended = await Promise.allSettled(waits);
  return ended.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
}
