#!/usr/bin/env node
// The only JavaScript of the harness: it lets Node read the TypeScript beside it, so that `npx meshproof` works right after `npm ci`.
import { register } from 'tsx/esm/api';

register();
await import('./main.ts');
