/**
 * Gives openapi-typescript the compiler whose JavaScript API it uses, which TypeScript 7 has not
 * (https://github.com/openapi-ts/openapi-typescript/issues/2841): `node --import` this module.
 */
import { registerHooks } from 'node:module';

const compiler = import.meta.resolve('typescript5');

registerHooks({
  resolve: (specifier, context, nextResolve) =>
    nextResolve(specifier === 'typescript' ? compiler : specifier, context),
});
