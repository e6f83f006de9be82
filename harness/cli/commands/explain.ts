import type { Command } from 'commander';
import { catalogue, isErrorCode, type ErrorCode } from '../../errors/catalogue.ts';
import { MeshproofError } from '../../errors/meshproof-error.ts';
import { tell } from '../tell.ts';

export function addExplain(program: Command): void {
  program
    .command('explain')
    .description('explain an error code, or list all of them')
    .argument('[code]')
    .option('--json', 'write JSON to stdout')
    .action((given: string | undefined, flags: { readonly json?: boolean }) => {
      const code = given?.toUpperCase();
      if (code !== undefined && !isErrorCode(code))
        throw new MeshproofError('MP104', { what: `there is no error code ${code}` });
      const codes = code === undefined ? (Object.keys(catalogue) as ErrorCode[]) : [code];
      if (flags.json === true) tell(`${JSON.stringify(codes.map((one) => ({ code: one, ...catalogue[one] })))}\n`);
      else if (code === undefined) tell(codes.map((one) => `${one}  ${catalogue[one].title}\n`).join(''));
      else tell(`${code}  ${catalogue[code].title}\n\n${catalogue[code].meaning}\n\ntry: ${catalogue[code].remedy}\n`);
    });
}
