/** `npm run openapi`: writes docs/openapi.json from `workers/gateway/openapi`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeOpenApi } from '../workers/gateway/openapi/document.ts';

writeFileSync(join(import.meta.dirname, '../docs/openapi.json'), writeOpenApi());
