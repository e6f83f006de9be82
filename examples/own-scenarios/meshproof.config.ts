import { defineConfig } from 'meshproof/config';

export default defineConfig({
  // 'meshproof' beside it plays the scenarios that come with meshproof as well.
  scenarios: ['mesh-tests/**/*.scenario.ts'],
});
