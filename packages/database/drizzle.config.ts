/**
 * How `migrations/` is made: forward-only SQL generated from `schema/` and reviewed like code. It
 * never connects to a database. Run from the repository's root.
 */
import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './packages/database/schema/*.ts',
  out: './migrations',
});
