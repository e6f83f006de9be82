#!/usr/bin/env node
// The only JavaScript of the harness: it lets Node read the TypeScript beside it, so that `npx meshproof` works right after `npm ci`.
// A machine on which not even that can be loaded (no file may be opened, say) has failed: Node's own exit code 1 would say that a claim had.
try {
  const { register } = await import('tsx/esm/api');
  register();
  await import('./main.ts');
} catch (error) {
  console.error(error);
  process.exitCode = 3;
}
