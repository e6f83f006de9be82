import tseslint from 'typescript-eslint';

/**
 * The architecture, lowest layer first. A layer imports from itself and from those before it, never from those after.
 */
const layers = [
  ['text'],
  ['assets'],
  ['errors'],
  ['tape'],
  ['wait', 'process', 'progress'],
  ['toolchain'],
  ['lab'],
  ['machine'],
  ['cluster'],
  ['probe'],
  ['mesh'],
  ['diagnose'],
  ['scenario'],
  ['report'],
  ['config'],
  ['environment'],
  ['inspect'],
  ['fleet'],
  ['run'],
  ['compare'],
  ['fault'],
  ['cli'],
];

const oneWay = layers.map((layer, index) => {
  const above = layers.slice(index + 1).flat();
  return {
    files: layer.map((folder) => `harness/${folder}/**/*.ts`),
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            ...(above.length === 0
              ? []
              : [
                  {
                    group: above.map((folder) => `**/${folder}/**`),
                    message:
                      `Dependencies point one way: ${layer.join(' and ')} may not import from ` +
                      `${above.join(', ')}.`,
                  },
                ]),
            { group: ['**/scenarios/**'], message: 'The harness does not know single scenarios.' },
          ],
        },
      ],
    },
  };
});

export default tseslint.config(
  { ignores: ['node_modules/', 'reports/', 'harness/toolchain/source/', 'lib/', '.build/', 'docs/api/', 'examples/'] },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: {
          allowDefaultProject: ['*.js', 'harness/cli/bin.js', 'scripts/build.js', '.github/actions/meshproof/*.mjs'],
        },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Kubernetes’ client takes plain objects for its model classes, as its own documentation shows.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/dot-notation': 'off',
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/consistent-type-definitions': 'off',
      // Prettier breaks code, and not what is within quotes or comments.
      'max-len': ['error', { code: 120, comments: 120, ignorePattern: 'eslint-disable' }],
    },
  },
  ...oneWay,
  {
    // What a command prints may hold words of a pod, or of a record that somebody sent: all of it passes the filter for
    // terminals and logs.
    files: ['harness/cli/commands/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'CallExpression[callee.property.name="write"][callee.object.property.name=/^std(out|err)$/]',
          message: 'Print by tell() and complain() of tell.ts.',
        },
        { selector: 'MemberExpression[object.name="console"]', message: 'Print by tell() and complain() of tell.ts.' },
      ],
    },
  },
  {
    // A scenario reads like its section: no process, no file system, no client library; only what the harness offers.
    files: ['scenarios/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['node:*', 'execa', 'zx', '@kubernetes/*', 'testcontainers'],
              message: 'Scenarios speak through the harness.',
            },
          ],
        },
      ],
      // One screen, as Prettier has it: what several scenarios repeat is a builder of harness/scenario/.
      'max-lines': ['error', { max: 80, skipBlankLines: false, skipComments: false }],
    },
  },
  {
    // vitest types its asymmetric matchers (objectContaining …) as any.
    files: ['**/*.test.ts', '**/*.slow.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
    },
  },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
);
