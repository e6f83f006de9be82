/**
 * Set by `meshproof exec --yes` for the program that it runs: the owner id of the environment that somebody agreed to.
 */
export const agreedVariable = 'MESHPROOF_AGREED';
