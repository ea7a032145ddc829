/**
 * How `migrations/` is made: forward-only SQL generated from schema.ts and reviewed like code. It
 * never connects to a database. Run from the repository's root.
 */
import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: [
    './packages/database/schema.ts',
    './packages/database/schema-users.ts',
    './packages/database/schema-operators.ts',
    './packages/database/schema-deposits.ts',
  ],
  out: './migrations',
});
